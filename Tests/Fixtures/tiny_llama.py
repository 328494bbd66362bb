"""A llama of 82 thousand random weights: its configuration, weights, tokenizer and GGUF files."""

from collections import Counter
from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from common import TESTS, generator

CONFIG = LlamaConfig(
    vocab_size=320,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=1024,
    rms_norm_eps=1e-5,
    rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    tie_word_embeddings=True,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=2,
    attention_bias=False,
    mlp_bias=False,
)
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
GGUF_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def weights() -> dict[str, torch.Tensor]:
    """Float32 weights by Hugging Face name, large enough that every part of the model moves the logits."""
    source = generator(1)
    result = {}
    for name, parameter in LlamaForCausalLM(CONFIG).state_dict().items():
        if name == "lm_head.weight":
            continue
        noise = torch.randn(parameter.shape, generator=source)
        if name.endswith("norm.weight"):
            result[name] = 1 + 0.2 * noise
        elif name == "model.embed_tokens.weight":
            result[name] = 0.5 * noise
        else:
            result[name] = 1.5 * noise / parameter.shape[1] ** 0.5
    return result


def model(state: dict[str, torch.Tensor]) -> LlamaForCausalLM:
    """The reference implementation with these weights, in evaluation mode."""
    llama = LlamaForCausalLM(CONFIG)
    missing, unexpected = llama.load_state_dict(state, strict=False)
    assert missing == ["lm_head.weight"] and not unexpected, (missing, unexpected)
    llama.tie_weights()
    return llama.eval()


def byte_alphabet() -> list[str]:
    """GPT-2's printable character for each byte: printable Latin-1 stands for itself, the rest follows from U+0100."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    characters, extra = [], 0
    for byte in range(256):
        characters.append(chr(byte if byte in printable else 256 + extra))
        extra += byte not in printable
    return characters


def merges(count: int) -> list[tuple[str, str]]:
    """The byte pairs that are most frequent in the passage; ties go to the lower pair."""
    alphabet = byte_alphabet()
    text = (TESTS / "Fixtures" / "passage.txt").read_text()
    words = Counter(
        tuple(alphabet[byte] for byte in ((" " if i else "") + word).encode()) for line in text.splitlines()
        for i, word in enumerate(line.split())
    )
    found = []
    while len(found) < count:
        pairs = Counter()
        for word, times in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        found.append(best)
        merged = Counter()
        for word, times in words.items():
            parts, i = [], 0
            while i < len(word):
                step = 2 if word[i : i + 2] == best else 1
                parts.append("".join(word[i : i + step]))
                i += step
            merged[tuple(parts)] += times
        words = merged
    return found


def permuted(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a query or key projection in llama.cpp's order: a head's two halves interleaved, for pairwise rotary."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(state: dict[str, torch.Tensor], path: Path, matrices: gguf.GGMLQuantizationType) -> None:
    """Writes the model as llama.cpp's converter would: norms in F32, matrices as asked, quantised embedding in Q8_0."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny llama of random weights")
    writer.add_block_count(CONFIG.num_hidden_layers)
    writer.add_context_length(CONFIG.max_position_embeddings)
    writer.add_embedding_length(CONFIG.hidden_size)
    writer.add_feed_forward_length(CONFIG.intermediate_size)
    writer.add_head_count(CONFIG.num_attention_heads)
    writer.add_head_count_kv(CONFIG.num_key_value_heads)
    writer.add_rope_freq_base(CONFIG.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(CONFIG.head_dim)
    writer.add_layer_norm_rms_eps(CONFIG.rms_norm_eps)
    writer.add_vocab_size(CONFIG.vocab_size)
    add_tokenizer(writer)
    quantised = matrices != gguf.GGMLQuantizationType.F32
    for key, tensor in state.items():
        if key.endswith("norm.weight"):
            kind = gguf.GGMLQuantizationType.F32
        elif key == "model.embed_tokens.weight" and quantised:
            kind = gguf.GGMLQuantizationType.Q8_0
        else:
            kind = matrices
        data = gguf.quants.quantize(stored(key, tensor).numpy().astype(np.float32), kind)
        writer.add_tensor(gguf_name(key), data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def stored(key: str, tensor: torch.Tensor) -> torch.Tensor:
    if "q_proj" in key:
        return permuted(tensor, CONFIG.num_attention_heads)
    if "k_proj" in key:
        return permuted(tensor, CONFIG.num_key_value_heads)
    return tensor


def gguf_name(key: str) -> str:
    if key == "model.embed_tokens.weight":
        return "token_embd.weight"
    if key == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, part = key.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{GGUF_NAMES[part]}.weight"


def vocabulary() -> tuple[list[str], list[str]]:
    """The tokens, and the merges as GGUF spells them."""
    pairs = merges(CONFIG.vocab_size - len(SPECIALS) - 256)
    tokens = SPECIALS + byte_alphabet() + ["".join(pair) for pair in pairs]
    assert len(set(tokens)) == CONFIG.vocab_size
    return tokens, [" ".join(pair) for pair in pairs]


def add_tokenizer(writer: gguf.GGUFWriter) -> None:
    tokens, pairs = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control] * len(SPECIALS) + [normal] * (len(tokens) - len(SPECIALS)))
    writer.add_token_merges(pairs)
    writer.add_bos_token_id(CONFIG.bos_token_id)
    writer.add_eos_token_id(CONFIG.eos_token_id)
    writer.add_pad_token_id(CONFIG.pad_token_id)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)
