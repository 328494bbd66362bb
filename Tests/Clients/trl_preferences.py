"""Loads exported feedback as TRL does, images included: preferred pairs, thumbs, and answers written by hand.

    apus feedback export --format pairs runs/pairs
    apus feedback export --format kto runs/thumbs
    apus feedback export --format demonstrations runs/written
    python Tests/Clients/trl_preferences.py runs/pairs runs/thumbs runs/written

Needs the packages of trl_requirements.txt. Exits 1 with the reason if an export is not what TRL's trainers read.
"""

import sys
from pathlib import Path

from datasets import Dataset, Image, Sequence, load_dataset
from trl import is_conversational
from trl.data_utils import maybe_extract_prompt, prepare_multimodal_messages


def load(file: Path) -> Dataset:
    rows = load_dataset("json", data_files=str(file), split="train")
    assert len(rows) > 0, f"{file} is empty"
    return rows


def with_images(rows: Dataset, folder: Path) -> Dataset:
    rows = rows.map(lambda row: {"images": [str(folder / image) for image in row["images"]]})
    return rows.cast_column("images", Sequence(Image()))


def check_turns(row: dict, sides: tuple[str, ...]) -> None:
    assert is_conversational(row), f"not conversational: {row}"
    roles = [turn["role"] for turn in row["prompt"]]
    assert roles[-1] == "user" and set(roles) <= {"system", "user", "assistant"}, roles
    for side in sides:
        assert [turn["role"] for turn in row[side]] == ["assistant"]
    for image in row["images"]:
        assert min(image.size) > 0
    # TRL finds a place in the prompt for every image.
    messages = prepare_multimodal_messages(row["prompt"], images=list(row["images"]))
    parts = [part for turn in messages for part in turn["content"] if isinstance(turn["content"], list)]
    assert sum(part["type"] == "image" for part in parts) == len(row["images"]), messages


def check_pairs(file: Path) -> int:
    pairs = with_images(load(file), file.parent)
    for pair in pairs:
        check_turns(pair, ("chosen", "rejected"))
        # An explicit prompt is kept as it is.
        assert maybe_extract_prompt(pair)["prompt"] == pair["prompt"]
        assert pair["chosen"] != pair["rejected"]
    return len(pairs)


def check_thumbs(file: Path) -> int:
    thumbs = with_images(load(file), file.parent)
    for thumb in thumbs:
        check_turns(thumb, ("completion",))
        assert isinstance(thumb["label"], bool)
    return len(thumbs)


def check_demonstrations(file: Path) -> int:
    written = load(file)
    for row in written:
        assert row["messages"][-1]["role"] == "assistant" and row["messages"][-1]["content"]
    return len(written)


if __name__ == "__main__":
    kinds = {"pairs": check_pairs, "kto": check_thumbs, "demonstrations": check_demonstrations}
    for folder in map(Path, sys.argv[1:]):
        found = {kind: folder / f"{kind}.jsonl" for kind in kinds if (folder / f"{kind}.jsonl").exists()}
        assert found, f"{folder} has no export"
        for kind, file in found.items():
            print(f"{kinds[kind](file)} {kind} are read by TRL")
