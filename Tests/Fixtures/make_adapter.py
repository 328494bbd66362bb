"""Adapters as PEFT saves them for the tiny llama, and the logits that PEFT computes with them."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

import tiny_llama
from common import destination, generator, report, write_json, write_tensors
from plain_llama import ALPHA, PREFIX, RANK, PlainLlama, causal

EVERYTHING = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def save(model, folder: str, dtype: torch.dtype) -> None:
    """PEFT's own two files; only the order of `target_modules`, a set in PEFT, is made fixed."""
    adapter = [parameter for name, parameter in model.named_parameters() if "lora_" in name]
    with tempfile.TemporaryDirectory() as scratch:
        for parameter in adapter:
            parameter.data = parameter.data.to(dtype)
        model.save_pretrained(scratch)
        for parameter in adapter:
            parameter.data = parameter.data.float()
        config = json.loads((Path(scratch) / "adapter_config.json").read_text())
        config["target_modules"].sort()
        path = destination("Checkpoints", f"{folder}/adapter_config.json")
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        report(path)
        weights = destination("Checkpoints", f"{folder}/adapter_model.safetensors")
        shutil.copyfile(Path(scratch) / weights.name, weights)
        report(weights)


def make(folder: str, rank: int, alpha: int, targets: list[str], dtype: torch.dtype, offset: int, ids) -> torch.Tensor:
    """Saves an adapter with random A and B, and returns the logits of `ids` with it, `[rows, vocabulary]`."""
    source = generator(offset)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, lora_dropout=0.0, task_type="CAUSAL_LM")
    model = get_peft_model(tiny_llama.model(tiny_llama.weights()), config).eval()
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            scale = 0.2 if "lora_B" in name else parameter.shape[1] ** -0.5
            value = torch.randn(parameter.shape, generator=source) * scale
            parameter.data.copy_(value.to(dtype))
    save(model, folder, dtype)
    with torch.no_grad():
        logits = model(ids[None]).logits[0]
    if targets == EVERYTHING:
        check_plain(model, ids, logits)
    return logits


@torch.no_grad()
def check_plain(model, ids: torch.Tensor, logits: torch.Tensor) -> None:
    """The plain implementation that the training fixtures use is PEFT's function."""
    lora = {k.replace(".default", ""): v for k, v in model.named_parameters() if "lora_" in k}
    assert all(name.startswith(PREFIX) for name in lora)
    plain = PlainLlama(tiny_llama.weights(), lora)
    mine = plain.logits(plain.hidden(plain.embed(ids.tolist()), list(range(len(ids))), causal(len(ids))))
    torch.testing.assert_close(mine, logits, atol=1e-4, rtol=1e-4)


def main() -> None:
    ids = torch.randint(3, 320, (24,), generator=generator(300))
    logits = {
        "adapter": make("adapter", RANK, ALPHA, EVERYTHING, torch.float32, 301, ids),
        "adapter-bf16": make("adapter-bf16", 2, 6, ["q_proj", "v_proj"], torch.bfloat16, 302, ids),
    }
    write_tensors("Models", "adapter.safetensors", logits)
    write_json("Models", "adapter.json", {"ids": ids.tolist()})


if __name__ == "__main__":
    main()
