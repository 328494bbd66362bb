"""The llama written out plainly, with low-rank adapters, any visibility between rows, and any float type."""

import torch

from tiny_llama import CONFIG

PREFIX = "base_model.model."  # PEFT's, before the layer's own name
MODULES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
           "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
RANK, ALPHA = 4, 8


def adapters(state: dict[str, torch.Tensor], source: torch.Generator) -> dict[str, torch.Tensor]:
    """A and B of every linear layer under PEFT's names: A ~ N(0, 1/sqrt(inputs)), B ~ N(0, 0.2), float32."""
    result = {}
    for layer in range(CONFIG.num_hidden_layers):
        for module in MODULES:
            name = f"model.layers.{layer}.{module}"
            outputs, inputs = state[f"{name}.weight"].shape
            result[f"{PREFIX}{name}.lora_A.weight"] = torch.randn(RANK, inputs, generator=source) / inputs**0.5
            result[f"{PREFIX}{name}.lora_B.weight"] = torch.randn(outputs, RANK, generator=source) * 0.2
    return result


class PlainLlama:
    """`state` are the frozen weights, `lora` the adapter's tensors (or none), all of one float type."""

    def __init__(self, state: dict[str, torch.Tensor], lora: dict[str, torch.Tensor] | None = None):
        self.state, self.lora = state, lora

    def embed(self, ids: list[int]) -> torch.Tensor:
        return self.state["model.embed_tokens.weight"][ids]

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden @ self.state["model.embed_tokens.weight"].T

    def hidden(self, embeddings: torch.Tensor, positions: list[int], visible: torch.Tensor) -> torch.Tensor:
        """`[rows, width]` after the final norm; row i attends to the rows j with `visible[i, j]`."""
        x = embeddings
        for layer in range(CONFIG.num_hidden_layers):
            name = f"model.layers.{layer}"
            x = x + self.attention(f"{name}.self_attn", self.norm(f"{name}.input_layernorm", x), positions, visible)
            x = x + self.feed_forward(f"{name}.mlp", self.norm(f"{name}.post_attention_layernorm", x))
        return self.norm("model.norm", x)

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        y = x @ self.state[f"{name}.weight"].T
        if self.lora is None:
            return y
        a, b = (self.lora[f"{PREFIX}{name}.lora_{side}.weight"] for side in "AB")
        return y + (ALPHA / RANK) * (x @ a.T) @ b.T

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + CONFIG.rms_norm_eps) * self.state[f"{name}.weight"]

    def attention(self, name, x, positions, visible) -> torch.Tensor:
        heads, kv_heads, size = CONFIG.num_attention_heads, CONFIG.num_key_value_heads, CONFIG.head_dim
        q = rotate(self.linear(f"{name}.q_proj", x).view(-1, heads, size), positions)
        k = rotate(self.linear(f"{name}.k_proj", x).view(-1, kv_heads, size), positions)
        v = self.linear(f"{name}.v_proj", x).view(-1, kv_heads, size)
        k, v = (t.repeat_interleave(heads // kv_heads, dim=1) for t in (k, v))
        scores = torch.einsum("ihd,jhd->hij", q, k) * size**-0.5
        weights = scores.masked_fill(~visible, float("-inf")).softmax(-1)
        return self.linear(f"{name}.o_proj", torch.einsum("hij,jhd->ihd", weights, v).flatten(1))

    def feed_forward(self, name: str, x: torch.Tensor) -> torch.Tensor:
        gate, up = self.linear(f"{name}.gate_proj", x), self.linear(f"{name}.up_proj", x)
        return self.linear(f"{name}.down_proj", torch.nn.functional.silu(gate) * up)


def rotate(x: torch.Tensor, positions: list[int]) -> torch.Tensor:
    """Rotary position embedding of `[rows, heads, size]` by halves."""
    half = x.shape[-1] // 2
    theta = CONFIG.rope_parameters["rope_theta"]
    frequencies = theta ** (-torch.arange(half, dtype=x.dtype) / half)
    angles = torch.tensor(positions, dtype=x.dtype)[:, None, None] * frequencies
    first, second = x[..., :half], x[..., half:]
    return torch.cat(
        [first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()], dim=-1)


def causal(count: int) -> torch.Tensor:
    return torch.ones(count, count, dtype=torch.bool).tril()
