"""Golden values of the decoder: the base model from its GGUF file, and a tiny llama in two GGUF formats.

The base model is loaded by transformers, which dequantises the blocks to float32 and undoes llama.cpp's row order of
the query and key projections. README.md in this folder lists every tensor.
"""

import copy
import hashlib
import tempfile
from pathlib import Path

import gguf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

import tiny_llama
from common import BASE_FILE, CACHE, TESTS, generator, write_json, write_tensors

TOP, STRIDE = 32, 64  # of 49,152 logits keep the 32 highest and every 64th
TEXT_POSITIONS = 1280  # at most


def statistics(logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Of `[positions, vocabulary]` logits: the highest, a stride, the log of the summed exponentials, the largest."""
    top = logits.topk(TOP, dim=-1)
    return {
        "top_values": top.values,
        "stride": logits[:, ::STRIDE],
        "logsumexp": logits.logsumexp(-1),
        "max_abs": logits.abs().amax(-1),
    }


def prompts(tokenizer) -> dict[str, list[int]]:
    passage = (TESTS / "Fixtures" / "passage.txt").read_text()
    plain = tokenizer.encode(passage, add_special_tokens=False)
    question = [
        {"role": "user", "content": "What is the capital of France? Answer in one word."},
    ]
    document = tokenizer.decode(plain[100:640])
    long_chat = [
        {"role": "system", "content": "You answer from the text only."},
        {"role": "user", "content": document + "\n\nHow does a swift survive a cold wet week?"},
    ]

    def chat(messages):
        return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)

    return {
        "one": plain[:1],
        "seven": plain[:7],
        "plain33": plain[200:233],
        "repeated": plain[10:11] * 40 + plain[11:14] * 8,
        "chat": chat(question),
        "plain130": plain[300:430],
        "chat600": chat(long_chat),
    }


def positions(count: int) -> list[int]:
    """All of a short prompt; of a long one 12, spread evenly and with the last."""
    if count <= 33:
        return list(range(count))
    return sorted({(count - 1) * i // 11 for i in range(12)})


@torch.no_grad()
def write_prompts(model, tokenizer) -> None:
    tensors, entries = {}, {}
    for name, ids in prompts(tokenizer).items():
        kept = positions(len(ids))
        logits = model(torch.tensor([ids])).logits[0, kept]
        entries[name] = {"ids": ids, "positions": kept, "top_ids": logits.topk(TOP, dim=-1).indices.tolist()}
        tensors |= {f"{name}.{key}": value for key, value in statistics(logits).items()}
    write_tensors("Models", "decoder.safetensors", tensors)
    write_json("Models", "decoder.json", {"stride": STRIDE, "top": TOP, "prompts": entries})


@torch.no_grad()
def write_hidden_states(model, tokenizer) -> None:
    ids = prompts(tokenizer)["seven"]
    states = hidden_states(model, torch.tensor([ids]))
    write_tensors("Models", "decoder_layers.safetensors", {k: v[0] for k, v in states.items()})


def hidden_states(model, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """The residual stream: `embedding`, after each `layer.N`, and after the final `norm`."""
    states, hooks = {}, []

    def keep(name):
        def hook(_module, _inputs, output):
            states[name] = output[0] if isinstance(output, tuple) else output

        return hook

    hooks.append(model.model.embed_tokens.register_forward_hook(keep("embedding")))
    for i, layer in enumerate(model.model.layers):
        hooks.append(layer.register_forward_hook(keep(f"layer.{i}")))
    hooks.append(model.model.norm.register_forward_hook(keep("norm")))
    model(ids)
    for hook in hooks:
        hook.remove()
    return states


@torch.no_grad()
def write_text(model, tokenizer) -> None:
    """What a quantised path is measured against: top-1 agreement where the lead is clear, and perplexity."""
    passage = (TESTS / "Fixtures" / "passage.txt").read_text()
    ids = tokenizer.encode(passage, add_special_tokens=False)[:TEXT_POSITIONS]
    log_probs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    top = log_probs.topk(2, dim=-1)
    lead = top.values[:, 0] - top.values[:, 1]
    actual = log_probs[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
    write_tensors("Models", "decoder_text.safetensors", {"lead": lead, "next_log_prob": actual})
    summary = {
        "ids": ids,
        "top1": top.indices[:, 0].tolist(),
        "clear": int((lead > 0.1).sum()),
        "perplexity": float(torch.exp(-actual.double().mean())),
    }
    write_json("Models", "decoder_text.json", summary)


@torch.no_grad()
def write_tiny() -> None:
    state = tiny_llama.weights()
    write_tensors("Models", "tiny-llama-weights.safetensors", state)
    ids = torch.randint(3, 320, (1, 48), generator=generator(2))
    ids[0, :2] = torch.tensor([1, 1])
    tensors, digests = {}, {}
    formats = {"tiny-llama": gguf.GGMLQuantizationType.F32, "tiny-llama-q4_1": gguf.GGMLQuantizationType.Q4_1}
    for name, matrices in formats.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.gguf"
            tiny_llama.write_gguf(state, path, matrices)
            digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=f"{name}.gguf", dtype=torch.float32).eval()
            tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=f"{name}.gguf")
        if name == "tiny-llama":
            for key, value in state.items():
                assert torch.equal(loaded.state_dict()[key], value), f"{key} changed on its way through GGUF"
        assert loaded.config.rope_parameters["rope_theta"] == 10000.0 and loaded.config.tie_word_embeddings
        tensors |= {f"{name}.{k}": v[0] for k, v in hidden_states(loaded, ids).items()}
        tensors[f"{name}.logits"] = loaded(ids).logits[0]
    text = "The swift sleeps in the air, at 2,000 m."
    encoded = tokenizer.encode(text, add_special_tokens=False)
    write_tensors("Models", "tiny-llama.safetensors", tensors)
    tokens, merges = tiny_llama.vocabulary()
    content = {
        "ids": ids[0].tolist(), "text": text, "text_ids": encoded, "tokens": tokens, "merges": merges,
        "chat_template": tiny_llama.CHAT_TEMPLATE, "files": digests,
    }
    write_json("Models", "tiny-llama.json", content)


@torch.no_grad()
def write_stretched() -> None:
    """The tiny llama with YaRN at four times its context, of 1,400 positions every hundredth."""
    config = copy.deepcopy(tiny_llama.CONFIG)
    config.rope_parameters = {
        "rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
        "original_max_position_embeddings": config.max_position_embeddings,
    }
    config.max_position_embeddings *= 4
    model = LlamaForCausalLM(config)
    model.load_state_dict(tiny_llama.weights(), strict=False)
    model.tie_weights()
    ids = torch.randint(3, 320, (1, 1401), generator=generator(3))
    logits = model.eval()(ids).logits[0, ::100]
    write_tensors("Models", "tiny-llama-yarn.safetensors", {"ids": ids[0].to(torch.int32), "logits": logits})


def main() -> None:
    write_tiny()
    write_stretched()
    model = AutoModelForCausalLM.from_pretrained(CACHE, gguf_file=BASE_FILE, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(CACHE, gguf_file=BASE_FILE)
    write_prompts(model, tokenizer)
    write_hidden_states(model, tokenizer)
    write_text(model, tokenizer)


if __name__ == "__main__":
    main()
