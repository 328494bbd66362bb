"""Decoders of random weights of every family that is served, as transformers saves them, and their logits.

Each folder has the smallest sizes that use every option of its family. The logits are computed in float64 from the
checkpoint as it is read back; configurations that differ only in their rotary options share a folder's weights.
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from common import destination, generator, report, write_json, write_tensors

TOKENS, VOCABULARY = 48, 96
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 512,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
FAMILIES = {
    "llama": {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False},
    "mistral": {"head_dim": 32, "sliding_window": 64},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"head_dim": 32, "tie_word_embeddings": False},
    "smollm3": {"num_hidden_layers": 4, "no_rope_layer_interval": 4},
    "granite": {
        "embedding_multiplier": 3.0,
        "attention_multiplier": 0.4,
        "residual_multiplier": 0.7,
        "logits_scaling": 2.5,
        "tie_word_embeddings": True,
    },
}
ROPE = {
    "linear": {"rope_type": "linear", "factor": 4.0},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 128,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128},
}


def randomise(model: torch.nn.Module, source: torch.Generator) -> None:
    """Weights large enough that every option changes the logits."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=source)
        if "norm" in name:
            parameter.data = 1 + 0.2 * noise
        elif name.endswith("bias"):
            parameter.data = 0.5 * noise
        else:
            parameter.data = noise * (1.5 / parameter.shape[-1] ** 0.5)


@torch.no_grad()
def main() -> None:
    tensors, cases = {}, []
    ids = torch.randint(0, VOCABULARY, (1, TOKENS), generator=generator(700))
    for index, (family, options) in enumerate(FAMILIES.items()):
        config = AutoConfig.for_model(family, **(SIZES | options))
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        randomise(model, generator(710 + index))
        with tempfile.TemporaryDirectory() as folder:
            # Several shards with an index for one of them.
            size = "60KB" if family == "qwen3" else "1GB"
            model.to(torch.bfloat16).save_pretrained(folder, max_shard_size=size)
            for file in sorted(Path(folder).iterdir()):
                if file.name != "generation_config.json":
                    path = destination("Models", f"families/{family}/{file.name}")
                    shutil.copyfile(file, path)
                    report(path)
        folder = destination("Models", f"families/{family}/config.json").parent
        variants = {family: {}} | ({f"llama-{name}": rope for name, rope in ROPE.items()} if family == "llama" else {})
        for name, rope in variants.items():
            config = json.loads((folder / "config.json").read_text())
            config["rope_parameters"] = config["rope_parameters"] | rope
            read = AutoConfig.for_model(**config)
            model = AutoModelForCausalLM.from_pretrained(folder, config=read, dtype=torch.float64).eval()
            tensors[f"logits.{name}"] = model(ids).logits[0]
            cases.append({"name": name, "folder": family, "rope": rope})
    write_tensors("Models", "families.safetensors", tensors)
    write_json("Models", "families.json", {"ids": ids[0].tolist(), "cases": cases})


if __name__ == "__main__":
    main()
