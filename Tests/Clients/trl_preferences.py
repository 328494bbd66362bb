"""Loads exported preference pairs as TRL does, pictures included.

    apus feedback export --format pairs runs/pairs
    python Tests/Clients/trl_preferences.py runs/pairs

Needs the packages of trl_requirements.txt. Exits 1 with the reason if the export is not what TRL's preference trainers
read.
"""

import sys
from pathlib import Path

from datasets import Image, Sequence, load_dataset
from trl import is_conversational
from trl.data_utils import maybe_extract_prompt


def check(folder: Path) -> int:
    pairs = load_dataset("json", data_files=str(folder / "pairs.jsonl"), split="train")
    assert len(pairs) > 0, "no pairs"
    for field in ("prompt", "chosen", "rejected"):
        assert field in pairs.column_names, f"no column {field}"
    pairs = pairs.map(lambda pair: {"images": [str(folder / image) for image in pair["images"]]})
    pairs = pairs.cast_column("images", Sequence(Image()))
    for pair in pairs:
        assert is_conversational(pair), f"not conversational: {pair}"
        # An explicit prompt is kept as it is.
        assert maybe_extract_prompt(pair)["prompt"] == pair["prompt"]
        assert [turn["role"] for turn in pair["prompt"]] == ["user"]
        for side in ("chosen", "rejected"):
            assert [turn["role"] for turn in pair[side]] == ["assistant"]
        assert pair["chosen"] != pair["rejected"]
        for image in pair["images"]:
            assert min(image.size) > 0
    return len(pairs)


if __name__ == "__main__":
    print(f"{check(Path(sys.argv[1]))} pairs are read by TRL")
