"""Golden values of PPO's arithmetic: rewards, advantages, returns, losses and their gradients.

The formulas of TRL's `trl.experimental.ppo` over padded batches with masks, which are in turn those of
openai/lm-human-preferences, in float64. The score is added at the last counted token, where Ziegler et al. 2019 put it
(TRL adds it one place later). README.md in this folder lists every field.
"""

from dataclasses import dataclass

import torch

from common import generator, write_json

LAMBDA, GAMMA, CLIP, VALUE_CLIP = 0.95, 1.0, 0.2, 0.2
BETA, MISSING_END_PENALTY, PENALTY = 0.07, 1.0, 0.6


@dataclass
class Case:
    name: str
    lengths: list[int]
    whitens: bool


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (values * mask).sum() / mask.sum()


def masked_whiten(values: torch.Tensor, mask: torch.Tensor, shift_mean: bool) -> torch.Tensor:
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean) ** 2, mask) * mask.sum() / (mask.sum() - 1)
    whitened = (values - mean) * torch.rsqrt(variance + 1e-8)
    return whitened if shift_mean else whitened + mean


def rewards_of(scores, ended, logprobs, reference, mask, whitens: bool) -> torch.Tensor:
    scores = torch.where(ended, scores, scores - MISSING_END_PENALTY)
    rewards = -BETA * (logprobs - reference) * mask
    last = mask.sum(1).long() - 1
    rewards[torch.arange(len(last)), last] += scores
    return masked_whiten(rewards, mask, shift_mean=False) * mask if whitens else rewards


def advantages_of(rewards: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    last, reversed_advantages = 0, []
    length = rewards.shape[1]
    for t in reversed(range(length)):
        following = values[:, t + 1] if t < length - 1 else 0.0
        last = rewards[:, t] + GAMMA * following - values[:, t] + GAMMA * LAMBDA * last
        reversed_advantages.append(last)
    return torch.stack(reversed_advantages[::-1], dim=1)


def policy_loss(new, old, advantages, mask) -> tuple[torch.Tensor, torch.Tensor]:
    ratio = torch.exp(new - old)
    free = -advantages * ratio
    clipped = -advantages * torch.clamp(ratio, 1 - CLIP, 1 + CLIP)
    return masked_mean(torch.max(free, clipped), mask), masked_mean((clipped > free).double(), mask)


def penalized_loss(new, old, advantages, mask) -> torch.Tensor:
    """Schulman et al. 2017, eq. 8, with k3 for the divergence."""
    ratio = torch.exp(new - old)
    return masked_mean(-advantages * ratio + PENALTY * (ratio - 1 - (new - old)), mask)


def value_loss(new, old, returns, mask) -> tuple[torch.Tensor, torch.Tensor]:
    held = torch.clamp(new, old - VALUE_CLIP, old + VALUE_CLIP)
    first, second = (new - returns) ** 2, (held - returns) ** 2
    return 0.5 * masked_mean(torch.max(first, second), mask), masked_mean((second > first).double(), mask)


def ragged(tensor: torch.Tensor, lengths: list[int]) -> list[list[float]]:
    return [row[:n].tolist() for row, n in zip(tensor, lengths)]


def case(shape: Case, source: torch.Generator) -> dict:
    count, width = len(shape.lengths), max(shape.lengths)
    mask = (torch.arange(width)[None] < torch.tensor(shape.lengths)[:, None]).double()

    def normal(scale: float, offset: float = 0.0) -> torch.Tensor:
        return (torch.randn(count, width, generator=source).double() * scale + offset) * mask

    logprobs = -normal(1.5).abs()
    reference = logprobs + normal(0.4)
    values = normal(0.6, 0.2)
    scores = torch.randn(count, generator=source).double() * 1.3
    ended = torch.rand(count, generator=source) < 0.75
    rewards = rewards_of(scores, ended, logprobs, reference, mask, shape.whitens)
    raw = advantages_of(rewards, values) * mask
    advantages = masked_whiten(raw, mask, shift_mean=True) * mask
    returns = raw + values
    new = (logprobs + normal(0.25)).requires_grad_()
    moved = (values + normal(0.3)).requires_grad_()
    loss, clip_fraction = policy_loss(new, logprobs, advantages, mask)
    penalized = penalized_loss(new, logprobs, advantages, mask)
    squared, value_clip_fraction = value_loss(moved, values, returns, mask)
    (slope,) = torch.autograd.grad(loss, new)
    (penalized_slope,) = torch.autograd.grad(penalized, new)
    (value_slope,) = torch.autograd.grad(squared, moved)
    difference = (logprobs - reference) * mask
    scalars = {
        "policy_loss": loss, "clip_fraction": clip_fraction, "penalized_loss": penalized, "value_loss": squared,
        "value_clip_fraction": value_clip_fraction, "approximate_kl": 0.5 * masked_mean((new - logprobs) ** 2, mask),
        "kl": difference.sum(1).mean(), "kl_k3": ((torch.exp(-difference) - 1 + difference) * mask).sum(1).mean(),
        "explained_variance": 1 - (raw[mask > 0].var() / returns[mask > 0].var()),
    }
    tensors = {
        "log_probs": logprobs, "reference": reference, "values": values, "rewards": rewards, "advantages": advantages,
        "returns": returns, "new_log_probs": new, "new_values": moved, "policy_gradient": slope,
        "penalized_gradient": penalized_slope, "value_gradient": value_slope,
    }
    return (
        {"name": shape.name, "whitens_rewards": shape.whitens, "scores": scores.tolist(), "ended": ended.tolist()}
        | {k: v.item() for k, v in scalars.items()}
        | {k: ragged(v.detach(), shape.lengths) for k, v in tensors.items()}
    )


def main() -> None:
    source = generator(500)
    cases = [
        Case("sentences", [9, 12, 1, 7, 2, 10, 4, 8], False),
        Case("words", [2, 2, 3, 2, 1, 2, 2, 4, 2, 2], False),
        Case("whitened", [5, 3, 8, 2, 6, 1], True),
    ]
    settings = {
        "lambda": LAMBDA, "clip_range": CLIP, "kl_weight": BETA, "missing_end_penalty": MISSING_END_PENALTY,
        "penalty_weight": PENALTY}
    write_json("Training", "ppo.json", {"settings": settings, "cases": [case(c, source) for c in cases]})


if __name__ == "__main__":
    main()
