"""Golden values of the reward model: the pair loss and its gradients, TRL's reward loss, and ten optimiser steps.

The tiny llama with an adapter and a linear head at each answer's last row. README.md in this folder lists every tensor.
"""

from collections import defaultdict
from importlib.metadata import version
from itertools import combinations
from types import SimpleNamespace

import torch
from trl.trainer.reward_trainer import RewardTrainer

import tiny_llama
from batches import Batch, embeddings
from common import generator, write_json, write_tensors
from make_training import doubles
from optimiser import Schedule, Settings, train
from plain_llama import ALPHA, RANK, PlainLlama, adapters, causal

HEAD, LIKELIHOOD = "score.weight", "score.likelihood"
RATE, HEAD_RATE = 5e-3, 2e-2
Pairs = list[tuple[int, int]]


def pairs_of(tiers: list[list[int]]) -> Pairs:
    """(chosen, rejected) for every two candidates of different tiers, the best tier first."""
    return [(c, r) for better, worse in combinations(tiers, 2) for c in better for r in worse]


def pair_loss(rewards: torch.Tensor, pairs: Pairs) -> torch.Tensor:
    """Ouyang et al. 2022, eq. 1, over the pairs that are no ties."""
    chosen, rejected = (rewards[list(side)] for side in zip(*pairs))
    return -torch.nn.functional.logsigmoid(chosen - rejected).mean()


def losses() -> None:
    """Writes the loss of rankings of 2 to 9 candidates, with and without ties, and its gradients."""
    source = generator(400)
    cases = []
    for count in range(2, 10):
        for ties in (False, True):
            if count == 2 and ties:
                continue
            order = torch.randperm(count, generator=source).tolist()
            tiers = [[i] for i in order]
            if ties:
                tiers[:2] = [sorted(order[:2])]
            rewards = (torch.randn(count, generator=source).double() * 3).requires_grad_()
            loss = pair_loss(rewards, pairs_of(tiers))
            loss.backward()
            cases.append({
                "rewards": rewards.tolist(), "tiers": tiers, "loss": loss.item(), "gradients": rewards.grad.tolist()})
    write_json("Training", "pair_loss.json", {"cases": cases})


class Ranked:
    """Trees of a picture (or none), questions and ranked answers. A picture is its number of visual tokens and its
    questions: their lengths, those of the answers, and the tiers."""

    def __init__(self, source: torch.Generator, pictures: list[tuple[int, list]]):
        self.batch = Batch()
        self.prompts: list[tuple[list[int], Pairs]] = []
        self.pictures = []
        for visual, questions in pictures:
            root = self.batch.add(-1, 2, source, visual=visual)
            ids = self.batch.nodes[root].ids
            prompts = []
            for length, lengths, tiers in questions:
                parent = self.batch.add(root, length, source)
                answers = [self.batch.add(parent, n, source, answer=True) for n in lengths]
                self.prompts.append((answers, pairs_of(tiers)))
                prompts.append({
                    "question": self.batch.nodes[parent].ids, "answers": [self.batch.nodes[a].ids for a in answers],
                    "tiers": tiers})
            self.pictures.append({"prefix": ids, "visual": visual, "prompts": prompts})

    def rewards(
        self, llama: PlainLlama, head: torch.Tensor, likelihood: torch.Tensor, visual: torch.Tensor | None,
        alone: bool = False,
    ) -> list[torch.Tensor]:
        """Of each prompt's answers, from all rows at once, or from each answer's sequence alone."""
        inputs = embeddings(llama, self.batch, visual)
        hidden = None if alone else llama.hidden(inputs, self.batch.positions(), self.batch.visible())

        def reward(answer: int) -> torch.Tensor:
            rows, ids = self.batch.rows(answer), torch.tensor(self.batch.nodes[answer].ids)
            if alone:
                own = llama.hidden(inputs[rows], list(range(len(rows))), causal(len(rows)))
            else:
                own = hidden[rows]
            logits = llama.logits(own[-len(ids) - 1:-1])
            return (own @ head[0])[-1] + likelihood[0] * logits.log_softmax(-1).gather(1, ids[:, None]).sum()

        return [torch.stack([reward(a) for a in answers]) for answers, _ in self.prompts]

    def loss(self, rewards: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([pair_loss(r, pairs) for r, (_, pairs) in zip(rewards, self.prompts)]).mean()


def trl_loss(chosen: torch.Tensor, rejected: torch.Tensor) -> torch.Tensor:
    """TRL's own `compute_loss` on given rewards."""
    trainer = SimpleNamespace(
        model=SimpleNamespace(training=False), args=SimpleNamespace(center_rewards_coefficient=None),
        accelerator=SimpleNamespace(gather=lambda x: x, gather_for_metrics=lambda x: x), _total_train_tokens=0,
        _metrics=defaultdict(lambda: defaultdict(list)))
    logits = torch.cat([chosen, rejected])[:, None]
    return RewardTrainer.compute_loss(trainer, lambda **_: SimpleNamespace(logits=logits), {})


def text(state: dict[str, torch.Tensor]) -> None:
    """Writes pairs of answers to text prompts: rewards, TRL's loss and its gradient with respect to the head."""
    source = generator(410)
    ranked = Ranked(source, [(0, [(q, answers, [[0], [1]])]) for q, answers in ((5, (3, 2)), (9, (1, 6)), (4, (4, 4)))])
    start = adapters(state, source)
    llama = PlainLlama(doubles(state), doubles(start))
    head = (torch.randn(1, 64, generator=source) / 65**0.5).double().requires_grad_()
    rewards = torch.stack(ranked.rewards(llama, head, torch.zeros(1), None, alone=True))
    loss = trl_loss(rewards[:, 0], rewards[:, 1])
    torch.testing.assert_close(loss, ranked.loss(list(rewards)))
    loss.backward()
    tensors = start | {HEAD: head, f"grad.{HEAD}": head.grad, "rewards": rewards, "loss": loss[None]}
    write_tensors("Training", "reward_trl.safetensors", tensors)
    write_json("Training", "reward_trl.json", {"trl": version("trl"), "pictures": ranked.pictures})


def steps(state: dict[str, torch.Tensor]) -> None:
    """Writes ten steps that take three batches in turn, and the first step's rewards and gradients."""
    source = generator(420)
    batches = [
        Ranked(source, [
            (3, [(4, (2, 5, 3, 1), [[2], [0], [3], [1]]), (6, (3, 3), [[1], [0]])]),
            (4, [(5, (1, 2, 4), [[0, 2], [1]])])]),
        Ranked(source, [(0, [(7, (4, 1, 2), [[1], [2], [0]])]), (2, [(3, (2, 6), [[0], [1]])])]),
        Ranked(source, [(3, [(2, (3, 1, 5, 2, 2), [[4], [0, 1], [3], [2]])])])]
    visual = [torch.randn(len(b.batch.visual_rows()), 64, generator=source) * 0.5 for b in batches]
    start = adapters(state, source) | {
        HEAD: torch.randn(1, 64, generator=source) / 65**0.5, LIKELIHOOD: torch.tensor([0.2])}
    trained = doubles(start, trained=True)
    llama = PlainLlama(doubles(state), trained)

    def rewards_of(index: int, alone: bool = False) -> list[torch.Tensor]:
        return batches[index].rewards(
            llama, trained[HEAD], trained[LIKELIHOOD], visual[index].double(), alone=alone)

    def loss_of(step: int) -> torch.Tensor:
        index = step % len(batches)
        return batches[index].loss(rewards_of(index))

    rewards = rewards_of(0)
    torch.testing.assert_close(rewards, rewards_of(0, alone=True))
    loss_of(0).backward()
    first = {f"grad.{k}": v.grad.clone() for k, v in trained.items()} | {"rewards": torch.cat(rewards)}
    heads = [trained[HEAD], trained[LIKELIHOOD]]
    groups = [([v for k, v in trained.items() if k not in (HEAD, LIKELIHOOD)], RATE), (heads, HEAD_RATE)]
    record = train(groups, loss_of, Settings(weight_decay=0), Schedule(floor=0.1))
    tensors = {f"start.{k}": v for k, v in start.items()} | {f"final.{k}": v for k, v in trained.items()}
    tensors |= {f"visual.{i}": v for i, v in enumerate(visual)}
    write_tensors("Training", "reward_steps.safetensors", tensors | first)
    head = {"rank": RANK, "alpha": ALPHA, "rates": {"adapter": RATE, "head": HEAD_RATE}}
    write_json("Training", "reward_steps.json", head | record | {"batches": [b.pictures for b in batches]})


def main() -> None:
    state = tiny_llama.weights()
    losses()
    text(state)
    steps(state)


if __name__ == "__main__":
    main()
