#!/usr/bin/env python3
"""Times a fine-tuning step of a llama of SmolLM2-135M's sizes in PyTorch, beside which `apus train sft` says its own.

LoRA of rank 16 on all projections of a frozen base, one sequence of as many rows as Apus packs, loss on a sixth of them,
AdamW, two threads; no pictures are encoded, as Apus does in its step. Random weights cost what trained ones do.

    python torch_step.py --rows 1176 --steps 8        # needs torch, transformers and peft
"""
import argparse
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def policy(dtype: torch.dtype) -> torch.nn.Module:
    config = LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100_000, tie_word_embeddings=True,
        attn_implementation="sdpa",
    )  # fmt: skip
    adapter = LoraConfig(r=16, lora_alpha=32, target_modules=PROJECTIONS)
    return get_peft_model(LlamaForCausalLM(config).to(dtype), adapter, autocast_adapter_dtype=False)


def tokens_per_second(dtype: torch.dtype, rows: int, steps: int) -> float:
    torch.manual_seed(0)
    model = policy(dtype)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    ids = torch.randint(0, 49152, (1, rows))
    predicting = torch.arange(0, rows - 1, 6)

    def step() -> None:
        hidden = model.base_model.model.model(ids).last_hidden_state[0, predicting]
        logits = model.base_model.model.lm_head(hidden).float()
        torch.nn.functional.cross_entropy(logits, ids[0, predicting + 1]).backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    started = time.monotonic()
    for _ in range(steps):
        step()
    return rows * steps / (time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1176)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name, dtype in [("fp32", torch.float32), ("bf16", torch.bfloat16)]:
        print(f"{name} {tokens_per_second(dtype, options.rows, options.steps):.0f} tokens/s", flush=True)


if __name__ == "__main__":
    main()
