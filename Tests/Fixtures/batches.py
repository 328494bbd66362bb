"""Packed rows for the training fixtures: trees of token runs, some of whose tokens are replaced by visual ones."""

from dataclasses import dataclass, field

import torch

from plain_llama import PlainLlama, causal

PLACEHOLDER = 0  # the id in places that visual tokens take
FEATURES = 24  # width of what the connector reads
FIRST_ID = 3  # random text uses no special token


@dataclass
class Node:
    """A run of rows that sees its ancestors and, causally, itself; `parent` is an index into the nodes, or -1."""

    parent: int
    ids: list[int]
    answer: bool  # whether its tokens, each predicted by the row before it, are in the loss


@dataclass
class Batch:
    """Nodes in row order, parents first. Nodes without a parent never see each other."""

    nodes: list[Node] = field(default_factory=list)

    def add(self, parent: int, count: int, source: torch.Generator, visual: int = 0, answer: bool = False) -> int:
        """A node of `count` random tokens, after `visual` placeholders; an answer ends with the end token (2)."""
        ids = torch.randint(FIRST_ID, 320, (count,), generator=source).tolist()
        if answer:
            ids[-1] = 2
        self.nodes.append(Node(parent, ids[:1] + [PLACEHOLDER] * visual + ids[1:], answer))
        return len(self.nodes) - 1

    def starts(self) -> list[int]:
        starts = [0]
        for node in self.nodes:
            starts.append(starts[-1] + len(node.ids))
        return starts

    def ids(self) -> list[int]:
        return [token for node in self.nodes for token in node.ids]

    def path(self, index: int) -> list[int]:
        """A node's ancestors from the root, and itself."""
        node = self.nodes[index]
        return ([] if node.parent < 0 else self.path(node.parent)) + [index]

    def rows(self, index: int) -> list[int]:
        """The packed rows of the sequence that ends with a node."""
        starts = self.starts()
        return [starts[i] + j for i in self.path(index) for j in range(len(self.nodes[i].ids))]

    def positions(self) -> list[int]:
        return [len(self.rows(i)) - len(n.ids) + j for i, n in enumerate(self.nodes) for j in range(len(n.ids))]

    def visible(self) -> torch.Tensor:
        mask = torch.zeros(len(self.ids()), len(self.ids()), dtype=torch.bool)
        for i, node in enumerate(self.nodes):
            rows = self.rows(i)
            for j in range(len(node.ids)):
                seen = rows[: len(rows) - len(node.ids) + j + 1]
                mask[seen[-1], seen] = True
        return mask

    def predictions(self) -> list[tuple[int, int]]:
        """(row, target) for every token of every answer. A row before several answers appears once for each."""
        pairs = []
        for i, node in enumerate(self.nodes):
            if node.answer:
                rows = self.rows(i)
                before = rows[len(rows) - len(node.ids) - 1 : -1]
                pairs += zip(before, node.ids)
        return pairs

    def visual_rows(self) -> list[int]:
        return [row for row, token in enumerate(self.ids()) if token == PLACEHOLDER]

    def description(self) -> dict:
        rows, targets = zip(*self.predictions())
        starts = self.starts()
        nodes = [{"parent": n.parent, "start": starts[i], "end": starts[i + 1]} for i, n in enumerate(self.nodes)]
        return {
            "ids": self.ids(), "positions": self.positions(), "nodes": nodes, "visual_rows": self.visual_rows(),
            "prediction_rows": list(rows), "prediction_targets": list(targets),
        }


def embeddings(llama: PlainLlama, batch: Batch, visual: torch.Tensor | None) -> torch.Tensor:
    """`[rows, width]`: the ids' embeddings, with `visual` (one row a placeholder, in order) in the placeholders."""
    rows = llama.embed(batch.ids())
    if visual is None:
        return rows
    return rows.index_copy(0, torch.tensor(batch.visual_rows()), visual)


def packed(llama: PlainLlama, batch: Batch, visual: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of all packed rows and the mean loss over the predictions."""
    logits = llama.logits(llama.hidden(embeddings(llama, batch, visual), batch.positions(), batch.visible()))
    rows, targets = (torch.tensor(t) for t in zip(*batch.predictions()))
    return logits, torch.nn.functional.cross_entropy(logits[rows], targets)


def one_by_one(llama: PlainLlama, batch: Batch, visual: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """The same from each answer's whole sequence alone: its own rows' logits put at their packed rows."""
    inputs = embeddings(llama, batch, visual)
    packed_logits = [None] * len(batch.ids())
    total, count = 0, 0
    for i, node in enumerate(batch.nodes):
        if not node.answer:
            continue
        rows = batch.rows(i)
        logits = llama.logits(llama.hidden(inputs[rows], list(range(len(rows))), causal(len(rows))))
        for row, value in zip(rows, logits):
            packed_logits[row] = value
        predicted = logits[-len(node.ids) - 1 : -1]
        total = total + torch.nn.functional.cross_entropy(predicted, torch.tensor(node.ids), reduction="sum")
        count += len(node.ids)
    return torch.stack(packed_logits), total / count
