"""Golden values of Muon: six steps of `torch.optim.Muon` with given gradients. README.md lists every tensor."""

import torch

from common import generator, write_tensors

SHAPES = {"square": (24, 24), "wide": (16, 40), "tall": (40, 16)}
STEPS, RATE, WEIGHT_DECAY = 6, 0.02, 0.05


def main() -> None:
    source = generator(500)
    parameters = {name: torch.nn.Parameter(torch.randn(shape, generator=source)) for name, shape in SHAPES.items()}
    tensors = {f"start.{name}": p.detach().clone() for name, p in parameters.items()}
    muon = torch.optim.Muon(list(parameters.values()), lr=RATE, weight_decay=WEIGHT_DECAY, adjust_lr_fn="original")
    for step in range(STEPS):
        for name, p in parameters.items():
            p.grad = torch.randn(p.shape, generator=source)
            tensors[f"gradient.{step}.{name}"] = p.grad.clone()
        muon.step()
    tensors |= {f"final.{name}": p.detach().clone() for name, p in parameters.items()}
    write_tensors("Training", "muon.safetensors", tensors)


if __name__ == "__main__":
    main()
