"""Golden values of training: adapter and connector gradients on packed rows, and ten optimiser steps.

A plain llama in float64, first checked against transformers. README.md in this folder lists every tensor.
"""

import torch
from transformers.models.idefics3.modeling_idefics3 import Idefics3Connector, Idefics3VisionTransformer

import make_vision
import tiny_llama
from batches import FEATURES, Batch, one_by_one, packed
from common import generator, write_json, write_tensors
from optimiser import Settings, train
from plain_llama import ALPHA, RANK, PlainLlama, adapters, causal

CONNECTOR = "model.connector.modality_projection.proj.weight"
RATE, CONNECTOR_RATE = 5e-3, 1e-2


def doubles(tensors: dict[str, torch.Tensor], trained: bool = False) -> dict[str, torch.Tensor]:
    return {k: v.double().requires_grad_(trained) for k, v in tensors.items()}


@torch.no_grad()
def check_against_transformers(state: dict[str, torch.Tensor]) -> None:
    plain = PlainLlama(doubles(state))
    ids = torch.randint(3, 320, (40,), generator=generator(200)).tolist()
    mine = plain.logits(plain.hidden(plain.embed(ids), list(range(40)), causal(40)))
    theirs = tiny_llama.model(state)(torch.tensor([ids])).logits[0]
    assert (mine - theirs).abs().max() < 1e-4, (mine - theirs).abs().max()


def text_batch(source: torch.Generator) -> Batch:
    """Three conversations of one turn, of different lengths."""
    batch = Batch()
    for question, answer in ((5, 3), (9, 1), (2, 6)):
        batch.add(batch.add(-1, question, source), answer, source, answer=True)
    return batch


def visual_batch(source: torch.Generator) -> Batch:
    """Two conversations about four visual tokens each."""
    batch = Batch()
    for question, answer in ((6, 2), (4, 5)):
        batch.add(batch.add(-1, question, source, visual=4), answer, source, answer=True)
    return batch


def tree_batch(source: torch.Generator) -> Batch:
    """Two pictures; behind the first two questions with two answers each, behind the second one with one."""
    batch = Batch()
    for lengths in (((4, (2, 5)), (7, (1, 3))), ((3, (4,)),)):
        root = batch.add(-1, 3, source, visual=4)
        for question, answers in lengths:
            parent = batch.add(root, question, source)
            for answer in answers:
                batch.add(parent, answer, source, answer=True)
    return batch


def connector(source: torch.Generator) -> torch.Tensor:
    return torch.randn(64, FEATURES, generator=source) * 0.1


def gradients(name: str, state, batch: Batch, offset: int, visual: bool, compute) -> None:
    """Writes one batch's logits, loss and gradients with fresh adapters (and connector and features)."""
    source = generator(offset)
    start = adapters(state, source)
    if visual:
        start[CONNECTOR] = connector(source)
        start["features"] = torch.randn(len(batch.visual_rows()), FEATURES, generator=source)
    trained = doubles(start, trained=True)
    tokens = None
    if visual:
        tokens = trained["features"] @ trained[CONNECTOR].T
        tokens.retain_grad()
    llama = PlainLlama(doubles(state), trained)
    logits, loss = compute(llama, batch, tokens)
    torch.testing.assert_close(packed(llama, batch, tokens), (logits, loss))  # the mask hides siblings
    loss.backward()
    tensors = start | {f"grad.{k}": v.grad for k, v in trained.items()} | {"logits": logits, "loss": loss[None]}
    if visual:
        tensors |= {"visual_tokens": tokens, "grad.visual_tokens": tokens.grad}
    write_tensors("Models", f"{name}.safetensors", tensors)
    write_json("Models", f"{name}.json", {"rank": RANK, "alpha": ALPHA} | batch.description())


def sft(name: str, state, batches: list[Batch], offset: int, visual: bool) -> None:
    """Writes ten steps, which take the batches in turn."""
    source = generator(offset)
    start = adapters(state, source)
    if visual:
        start[CONNECTOR] = connector(source)
    trained = doubles(start, trained=True)
    features = torch.randn(len(batches[0].visual_rows()), FEATURES, generator=source) if visual else None
    llama = PlainLlama(doubles(state), trained)

    def loss_of(step: int) -> torch.Tensor:
        tokens = features.double() @ trained[CONNECTOR].T if visual else None
        return packed(llama, batches[step % len(batches)], tokens)[1]

    groups = [([v for k, v in trained.items() if k != CONNECTOR], RATE)]
    rates = {"adapter": RATE}
    if visual:
        groups.append(([trained[CONNECTOR]], CONNECTOR_RATE))
        rates["connector"] = CONNECTOR_RATE
    record = train(groups, loss_of)
    tensors = {f"start.{k}": v for k, v in start.items()} | {f"final.{k}": v for k, v in trained.items()}
    if visual:
        tensors["features"] = features
    write_tensors("Training", f"{name}.safetensors", tensors)
    head = {"rank": RANK, "alpha": ALPHA, "rates": rates}
    write_json("Training", f"{name}.json", head | record | {"batches": [b.description() for b in batches]})


def vision_training(offset: int) -> None:
    """Writes ten steps of the vision encoder and connector on the mean squared error to random targets."""
    source = generator(offset)
    case = make_vision.CASES[0]
    config = make_vision.configuration(case)
    vision, project = Idefics3VisionTransformer(config.vision_config), Idefics3Connector(config)
    named = {}
    for prefix, module in ((make_vision.VISION, vision), (make_vision.CONNECTOR, project)):
        module.double().eval()
        make_vision.randomise(module, source)
        named |= {prefix + name: parameter for name, parameter in module.named_parameters()}
    start = {f"start.{k}": v.detach().clone() for k, v in named.items()}
    pixels = torch.rand(case.batch, 3, case.height, case.width, generator=source) * 2 - 1
    target = torch.randn(case.batch, 4, case.text, generator=source)

    def loss_of(_step: int) -> torch.Tensor:
        output = project(vision(pixels.double(), patch_attention_mask=make_vision.every_patch(case)).last_hidden_state)
        return (output - target).square().mean()

    settings = Settings(weight_decay=0.05)
    record = train([(list(named.values()), 1e-3)], loss_of, settings)
    final = {f"final.{k}": v for k, v in named.items() if not k.endswith("k_proj.bias")}
    write_tensors("Training", "vision_training.safetensors", start | final | {"pixels": pixels, "target": target})
    sizes = {k: v for k, v in vars(case).items() if k not in ("name", "real")}
    write_json("Training", "vision_training.json", {"sizes": sizes, "rates": {"all": 1e-3}} | record)


def main() -> None:
    state = tiny_llama.weights()
    check_against_transformers(state)
    gradients("lora_packed", state, text_batch(generator(210)), 211, visual=False, compute=packed)
    gradients("lora_visual", state, visual_batch(generator(220)), 221, visual=True, compute=packed)
    gradients("lora_tree", state, tree_batch(generator(230)), 231, visual=True, compute=one_by_one)
    sft("sft_text", state, [text_batch(generator(240 + i)) for i in range(3)], 251, visual=False)
    sft("sft_visual", state, [visual_batch(generator(260))], 261, visual=True)
    vision_training(270)


if __name__ == "__main__":
    main()
