"""The optimiser of the training fixtures: AdamW, clipping by the global norm, warm-up and cosine."""

import math
from dataclasses import asdict, dataclass

import torch


@dataclass
class Schedule:
    """The learning rate's factor at a step counted from 0: a linear rise, then half a cosine down to `floor`."""

    steps: int = 10
    warm_up: int = 3
    floor: float = 0.05

    def factor(self, step: int) -> float:
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        progress = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass
class Settings:
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    maximum_norm: float = 1.0


def train(groups: list[tuple[list[torch.Tensor], float]], loss_of, settings=Settings(), schedule=Schedule()) -> dict:
    """Takes `schedule.steps` steps with `loss_of(step)`; a group is its parameters and its learning rate.

    Returns each step's loss, gradient norm (before clipping) and learning-rate factor, and the settings.
    """
    adam = torch.optim.AdamW(
        [{"params": parameters, "lr": rate} for parameters, rate in groups],
        betas=(settings.beta1, settings.beta2), eps=settings.epsilon, weight_decay=settings.weight_decay, foreach=False)
    everything = [p for parameters, _ in groups for p in parameters]
    record = {"losses": [], "norms": [], "factors": []}
    for step in range(schedule.steps):
        factor = schedule.factor(step)
        for group, (_, rate) in zip(adam.param_groups, groups):
            group["lr"] = rate * factor
        adam.zero_grad()
        loss = loss_of(step)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(everything, settings.maximum_norm)
        adam.step()
        record["losses"].append(loss.item())
        record["norms"].append(norm.item())
        record["factors"].append(factor)
    return record | {"settings": asdict(settings), "schedule": asdict(schedule)}
