"""Loads a policy over a Hugging Face folder with vision in transformers and PEFT, and checks that its logits are ours.

    python Tests/Clients/peft_folder.py FOLDER --policies POLICIES [--policy sft] [--apus .build/release/apus]

Needs the packages of peft_requirements.txt. Base model, processor and chat template are transformers' own; the adapter
is read by `PeftModel.from_pretrained` from the policy's folder. The picture is as wide as the processor makes every
picture, so that it is cut in the same way whether it may be enlarged or not. Both sides compute in 32 bits over the same
weights; ours keeps keys and values in 16, which is what the tolerance allows. Prints a line for each prompt and exits 1
with the reason if one differs.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from peft import PeftModel
from PIL import Image
from safetensors import safe_open
from transformers import AutoModelForImageTextToText, AutoProcessor

ROOT = Path(__file__).resolve().parent.parent.parent
TOLERANCE = 5e-3  # of a row's largest logit
QUESTION = "What is in the picture?"


def picture(width: int) -> Image.Image:
    """Random colours in large patches, wider than high."""
    patches = numpy.random.default_rng(1).integers(0, 256, (5, 12, 3), dtype=numpy.uint8)
    return Image.fromarray(patches).resize((width, width * 5 // 12), Image.Resampling.BICUBIC)


def ours(options: argparse.Namespace, picture: Path | None) -> tuple[list[int], list[int], torch.Tensor]:
    """The prompt's ids, the positions of tiles, and logits [positions, vocabulary]."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "logits.safetensors"
        command = [options.apus, "policy", "logits", "--model", options.folder, "--policies", options.policies]
        command += ["--data-path", "", "--policy", options.policy, *(["--image", picture] if picture else [])]
        subprocess.run([str(part) for part in [*command, QUESTION, path]], check=True, stdout=subprocess.DEVNULL)
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            return *[[int(n) for n in metadata[key].split()] for key in ("ids", "images")], file.get_tensor("logits")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--policies", type=Path, required=True)
    parser.add_argument("--policy", default="sft")
    parser.add_argument("--apus", type=Path, default=ROOT / ".build/release/apus")
    options = parser.parse_args()
    generation = options.policies / options.policy / (options.policies / options.policy / "current").read_text().strip()
    processor = AutoProcessor.from_pretrained(options.folder)
    base = AutoModelForImageTextToText.from_pretrained(options.folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, generation).eval()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "picture.png"
        picture(processor.image_processor.size["longest_edge"]).save(path)
        for seen in (path, None):
            content = [{"type": "image"}] * bool(seen) + [{"type": "text", "text": QUESTION}]
            text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
            images = {"images": [Image.open(seen)]} if seen else {}
            inputs = processor(text=text, return_tensors="pt", **images)
            expected = model(**inputs).logits[0]
            with model.disable_adapter():
                change = (model(**inputs).logits[0] - expected).abs().max().item()
            ids, tiles, found = ours(options, seen)
            assert ids == inputs["input_ids"][0].tolist(), f"ids {ids}, expected {inputs['input_ids'][0].tolist()}"
            assert change > 0.1, f"the adapter changes logits by {change} only"
            gap = ((found - expected).abs().amax(1) / expected.abs().amax(1)).max().item()
            print(f"{len(ids)} positions, {len(tiles)} of them of tiles: logits differ by {gap:.1e} of the largest; "
                  f"the adapter changes them by {change:.1f}")
            assert gap < TOLERANCE, "the logits are not the same"


if __name__ == "__main__":
    sys.exit(main())
