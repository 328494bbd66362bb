"""Golden values of training on preferences: TRL's own DPO and KTO losses, and the advantages of GRPO and RLOO.

TRL's `_compute_loss` runs on given log-probabilities of tokens in place of a model's. README.md in this folder lists
every field.
"""

from collections import defaultdict
from types import SimpleNamespace

import torch
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_trainer import KTOTrainer

from common import generator, write_json

PROMPT = 3  # tokens before each answer
BETA, SMOOTHING, KL_WEIGHT, CLIP = 0.3, 0.1, 0.07, 0.2


class Scripted(torch.nn.Module):
    """In a model's place: log-probabilities of the answers' tokens, and nothing for the prompt's."""

    is_gradient_checkpointing = False

    def __init__(self, *answers: torch.Tensor):
        super().__init__()
        self.calls = list(answers)
        self.eval()

    def forward(self, **_):
        values = self.calls.pop(0)
        zeros = torch.zeros(values.shape[0], PROMPT - 1, dtype=values.dtype)
        log_probs = torch.cat([zeros, values], 1)
        nothing = torch.zeros_like(log_probs).detach()
        return SimpleNamespace(
            log_probs=log_probs, entropy=nothing, mean_logits=nothing, is_top1=nothing.bool(), aux_loss=None)


def trainer(model: Scripted, reference: Scripted, **fields) -> SimpleNamespace:
    """What the trainers' `_compute_loss` reads of `self`."""
    accelerator = SimpleNamespace(
        device="cpu", gather=lambda x: x, gather_for_metrics=lambda x: x, unwrap_model=lambda m: m)
    return SimpleNamespace(
        model=model, ref_model=reference, accelerator=accelerator, aux_loss_enabled=False, precompute_ref_logps=False,
        args=SimpleNamespace(gradient_checkpointing_kwargs=None), beta=BETA, _total_train_tokens=0, _tp_size=1,
        _metrics=defaultdict(lambda: defaultdict(list)), **fields)


def answers(lengths: list[int], source: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The mask of the answers' tokens, and their log-probabilities under policy and reference."""
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    policy, reference = (-torch.rand(mask.shape, generator=source).double() * 3 * mask for _ in range(2))
    return mask, policy, reference


def inputs(mask: torch.Tensor) -> dict[str, torch.Tensor]:
    whole = torch.cat([torch.zeros(mask.shape[0], PROMPT), mask], 1).long()
    return {"input_ids": whole, "attention_mask": torch.ones_like(whole), "completion_mask": whole}


def ragged(values: torch.Tensor, lengths: list[int]) -> list[list[float]]:
    return [row[:n].tolist() for row, n in zip(values, lengths)]


def dpo(loss_type: str, source: torch.Generator) -> dict:
    """Four pairs, the preferred answers first."""
    lengths = [3, 7, 2, 5, 4, 4, 6, 1]
    mask, policy, reference = answers(lengths, source)
    policy.requires_grad_()
    if loss_type == "smoothed":  # cDPO: TRL has this form only inside of other losses
        ratios = ((policy - reference) * mask).sum(1)
        h = BETA * (ratios[:4] - ratios[4:])
        logs = torch.nn.functional.logsigmoid
        loss = (-(1 - SMOOTHING) * logs(h) - SMOOTHING * logs(-h)).mean()
    else:
        fields = dict(
            ld_alpha=None, f_divergence_type="reverse_kl", loss_types=[loss_type], loss_weights=[1.0],
            label_smoothing=0.0, use_weighting=False)
        model = Scripted(policy)
        loss = DPOTrainer._compute_loss(trainer(model, Scripted(reference), **fields), model, inputs(mask), False)
    loss.backward()
    return {
        "policy": ragged(policy.detach(), lengths), "reference": ragged(reference, lengths), "loss": loss.item(),
        "gradients": [row[0].item() for row in policy.grad]}


def kto(source: torch.Generator) -> dict:
    """Five answers, three of them good, and the answers of other prompts."""
    lengths, label = [3, 6, 2, 5, 4], [True, False, True, True, False]
    weights = dict(desirable_weight=1.5, undesirable_weight=0.75)
    mask, policy, reference = answers(lengths, source)
    other, other_policy, other_reference = answers(lengths[1:] + lengths[:1], source)
    other_policy = (other_policy + 0.4) * other  # a reference point above 0
    policy.requires_grad_()
    batch = inputs(mask) | {f"KL_{k}": v for k, v in inputs(other).items()} | {"label": torch.tensor(label)}
    model = Scripted(other_policy, policy)
    fake = trainer(
        model, Scripted(other_reference, reference), calculate_KL=True, loss_type="kto", **weights)
    fake._compute_kl_logps = lambda *a: KTOTrainer._compute_kl_logps(fake, *a)
    loss = KTOTrainer._compute_loss(fake, model, batch, False)
    loss.backward()
    return weights | {
        "policy": ragged(policy.detach(), lengths), "reference": ragged(reference, lengths), "label": label,
        "unrelated": ((other_policy - other_reference) * other).sum(1).tolist(),
        "kl": fake._metrics["eval"]["kl"][0], "loss": loss.item(), "gradients": [row[0].item() for row in policy.grad]}


def groups(source: torch.Generator) -> dict:
    """TRL's advantages of GRPO (scaled by group) and RLOO, and GRPO's loss over tokens (`bnpo`), in float64."""
    lengths = [3, 5, 2, 4, 6, 1, 3, 3]
    mask, new, reference = answers(lengths, source)
    old = (new + 0.3 * torch.randn(mask.shape, generator=source).double()) * mask
    new.requires_grad_()
    scores = torch.randn(8, generator=source).double().view(2, 4)
    group = ((scores - scores.mean(1, keepdim=True)) / (scores.std(1, keepdim=True) + 1e-4)).flatten()
    rewards = (scores.flatten() - KL_WEIGHT * ((old - reference) * mask).sum(1)).view(2, 4)
    leave_one_out = (rewards - (rewards.sum(1, keepdim=True) - rewards) / 3).flatten()
    ratio = torch.exp(new - old)
    free, clipped = ratio * group[:, None], ratio.clamp(1 - CLIP, 1 + CLIP) * group[:, None]
    distance = reference - new
    per_token = -torch.min(free, clipped) + KL_WEIGHT * (torch.exp(distance) - distance - 1)
    loss = (per_token * mask).sum() / mask.sum()
    loss.backward()
    return {
        "scores": scores.flatten().tolist(), "answers": 4, "group": group.tolist(),
        "leave_one_out": leave_one_out.tolist(), "new": ragged(new.detach(), lengths), "old": ragged(old, lengths),
        "reference": ragged(reference, lengths), "loss": loss.item(), "gradients": ragged(new.grad, lengths)}


def main() -> None:
    source = generator(500)
    write_json("Training", "preferences.json", {
        "beta": BETA, "smoothing": SMOOTHING, "kl_weight": KL_WEIGHT, "clip": CLIP,
        "dpo": {name: dpo(name, source) for name in ("sigmoid", "ipo", "smoothed")}, "kto": kto(source),
        "groups": groups(source)})


if __name__ == "__main__":
    main()
