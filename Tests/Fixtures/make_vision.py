"""Golden values of the vision encoder and connector: transformers' Idefics3 with random weights, four views of pixels.

Weights and pixels are float32; everything is computed from them in float64, so that the values carry no rounding of
their own. README.md in this folder lists every tensor.
"""

from dataclasses import dataclass

import torch
from transformers import Idefics3Config, Idefics3VisionConfig, LlamaConfig
from transformers.models.idefics3.modeling_idefics3 import (
    Idefics3Connector,
    Idefics3VisionEmbeddings,
    Idefics3VisionTransformer,
)

from common import generator, write_json, write_tensors

VISION, CONNECTOR = "model.vision_model.", "model.connector."


@dataclass
class Case:
    """One configuration and view; `stream` is its source of random numbers."""

    name: str
    stream: int
    image: int
    patch: int
    hidden: int
    layers: int
    heads: int
    ffn: int
    scale: int
    text: int
    batch: int
    height: int
    width: int
    stem: tuple[int, ...] = ()

    @property
    def square(self) -> bool:
        return self.height == self.width


SMALL = dict(image=32, patch=8, hidden=48, layers=3, heads=4, ffn=96, scale=2, text=40)
CASES = [
    Case("square", 100, **SMALL, batch=2, height=32, width=32),
    Case("wide", 102, **SMALL, batch=1, height=24, width=40),
    Case("six", 103, 96, 16, hidden=32, layers=2, heads=2, ffn=80, scale=3, text=24, batch=1, height=96, width=96),
    Case("stem", 104, 32, 8, hidden=24, layers=1, heads=2, ffn=40, scale=2, text=16, batch=2, height=32, width=32, stem=(6, 10)),
]


def configuration(case: Case) -> Idefics3Config:
    vision = Idefics3VisionConfig(
        image_size=case.image,
        patch_size=case.patch,
        hidden_size=case.hidden,
        num_hidden_layers=case.layers,
        num_attention_heads=case.heads,
        intermediate_size=case.ffn,
        hidden_act="gelu_pytorch_tanh",
        layer_norm_eps=1e-6,
    )
    text = LlamaConfig(hidden_size=case.text, num_hidden_layers=1, num_attention_heads=2, vocab_size=32)
    config = Idefics3Config(vision_config=vision, text_config=text, scale_factor=case.scale)
    config.vision_config._attn_implementation = "sdpa"
    return config


def randomise(module: torch.nn.Module, source: torch.Generator) -> None:
    """Float32 values in a double module, large enough that every weight matters."""
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=source)
        if "norm" in name and name.endswith("weight"):
            value = 1 + 0.2 * noise
        elif name.endswith("bias"):
            value = 0.2 * noise
        elif "position_embedding" in name:
            value = 0.5 * noise
        else:
            value = noise / parameter[0].numel() ** 0.5
        parameter.data.copy_(value)


def run(case: Case) -> dict[str, torch.Tensor]:
    """Weights, inputs, outputs and, for the loss `sum(output * loss_weights)`, the gradients."""
    source = generator(case.stream)
    config = configuration(case)
    vision = Idefics3VisionTransformer(config.vision_config).double().eval()
    if case.stem:
        vision.embeddings.patch_embedding = convolutions(case).double()
    connector = Idefics3Connector(config).double().eval()
    randomise(vision, source)
    randomise(connector, source)
    pixels = torch.rand(case.batch, 3, case.height, case.width, generator=source) * 2 - 1
    pixels = pixels.double().requires_grad_()
    outputs, hooks = {}, []
    named = {"embeddings": vision.embeddings, "norm": vision.post_layernorm}
    named |= {f"layer.{i}": layer for i, layer in enumerate(vision.encoder.layers)}
    for key, module in named.items():
        hooks.append(module.register_forward_hook(lambda _m, _i, out, key=key: outputs.update({f"output.{key}": out})))
    result = vision(pixels, patch_attention_mask=every_patch(case)).last_hidden_state
    if case.square:
        result = outputs["output.connector"] = connector(result)
    loss_weights = torch.randn(result.shape, generator=source)
    loss = (result * loss_weights).sum()
    loss.backward()
    tensors = {"pixels": pixels, "grad.pixels": pixels.grad, "loss_weights": loss_weights, "loss": loss[None]}
    for prefix, module in ((VISION, vision), (CONNECTOR, connector)):
        for name, parameter in module.named_parameters():
            if parameter.grad is None:
                continue
            ours = own_name(case, name)
            tensors[prefix + ours] = own_layout(case, parameter)
            if not name.endswith("k_proj.bias"):  # softmax does not see it: its gradient is zero
                tensors["grad." + prefix + ours] = own_layout(case, parameter.grad)
    return tensors | outputs


def convolutions(case: Case) -> torch.nn.Sequential:
    """The stem: 3 x 3 convolutions with stride 2 and padding 1, a GELU between each two."""
    channels = (3, *case.stem, case.hidden)
    layers = [torch.nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in zip(channels, channels[1:])]
    between = [torch.nn.GELU(approximate="tanh") for _ in layers]
    return torch.nn.Sequential(*[layer for pair in zip(layers, between) for layer in pair][:-1])


def own_name(case: Case, name: str) -> str:
    """Our name of a parameter: the last convolution is the patch embedding."""
    head, _, tail = name.partition("embeddings.patch_embedding.")
    if not case.stem or not tail:
        return name
    index, _, kind = tail.partition(".")
    layer = int(index) // 2
    return f"{head}embeddings." + (f"stem.{layer}.{kind}" if layer < len(case.stem) else f"patch_embedding.{kind}")


def own_layout(case: Case, value: torch.Tensor) -> torch.Tensor:
    """A convolution of the stem as a matrix: outputs, then row, column and channel."""
    return value.permute(0, 2, 3, 1).flatten(1) if case.stem and value.ndim == 4 else value


def every_patch(case: Case) -> torch.Tensor:
    """The mask of a view without padding: ours never have any."""
    return torch.ones(case.batch, case.height // case.patch, case.width // case.patch, dtype=torch.bool)


def buckets(side: int, count: int) -> list[int]:
    """The row of the position table that each of `count` patches along a side takes, by the embedding module."""
    config = Idefics3VisionConfig(image_size=side, patch_size=1, hidden_size=1, num_attention_heads=1)
    module = Idefics3VisionEmbeddings(config)
    module.patch_embedding.weight.data.zero_()
    module.patch_embedding.bias.data.zero_()
    module.position_embedding.weight.data.copy_(torch.arange(side * side, dtype=torch.float32)[:, None])
    everything = torch.ones(1, count, count, dtype=torch.bool)
    ids = module(torch.zeros(1, 3, count, count), everything).reshape(count, count).round().int()
    assert torch.equal(ids % side, ids[:1].expand(count, count) % side)
    return (ids[:, 0] // side).tolist()


def main() -> None:
    summary = {}
    for case in CASES:
        write_tensors("Models", f"vision_{case.name}.safetensors", run(case))
        summary[case.name] = vars(case)
    sides = (4, 6, 7, 8, 14, 16, 24, 26, 27, 32)
    table = [
        {"side": side, "count": count, "buckets": buckets(side, count)}
        for side in sides
        for count in sorted({1, 2, 3, side - 1, side, side + 1, 2 * side})
    ]
    write_json("Models", "vision.json", {"layer_norm_eps": 1e-6, "cases": summary, "buckets": table})


if __name__ == "__main__":
    main()
