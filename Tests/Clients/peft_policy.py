"""Loads a policy in transformers and PEFT, and checks that its logits are ours.

    python Tests/Clients/peft_policy.py [--policy sft] [--policies Deploy/policies] [--apus .build/release/apus]

Needs the packages of peft_requirements.txt. The base model is the GGUF file, dequantised by transformers; the adapter is
read by `PeftModel.from_pretrained` from the policy's folder; encoder and connector are transformers' Idefics3 with the
weights of the vision folder. Both sides compute in 32 bits over the same weights; ours keeps keys and values in 16, which
is what the tolerance allows. Prints a line for each prompt and exits 1 with the reason if one differs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from peft import PeftModel
from PIL import Image
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, Idefics3Config
from transformers.models.idefics3.modeling_idefics3 import Idefics3Connector, Idefics3VisionTransformer

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apus"
MODEL = CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf"
TOLERANCE = 5e-3  # of a row's largest logit
PROMPTS = [
    (None, "What is the capital of France?"),
    (None, "Write a short sentence about a dog that runs through the rain."),
    ("Public/assets/sample.png", "What color is the shape?"),
    ("Public/assets/sample.png", "Is there a circle?"),
]


class Eyes(torch.nn.Module):
    """Encoder and connector of a vision folder: pixels [1, 3, side, side] to embeddings [tokens, width]."""

    def __init__(self, path: Path):
        super().__init__()
        with safe_open(path, "pt") as file:
            sizes = file.metadata()
            weights = {name: file.get_tensor(name).float() for name in file.keys()}
        self.side = int(sizes["image_size"])
        names = ("image_size", "patch_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                 "intermediate_size")
        vision = {name: int(sizes[name]) for name in names} | {"layer_norm_eps": float(sizes["layer_norm_eps"])}
        text = {"model_type": "llama", "hidden_size": int(sizes["text_hidden_size"])}
        config = Idefics3Config(vision_config=vision, text_config=text, scale_factor=int(sizes["scale_factor"]))
        config._attn_implementation = config.vision_config._attn_implementation = "eager"
        self.vision_model = Idefics3VisionTransformer(config.vision_config)
        self.connector = Idefics3Connector(config)
        self.load_state_dict({name.removeprefix("model."): value for name, value in weights.items()})

    def forward(self, picture: Image.Image) -> torch.Tensor:
        assert picture.size == (self.side, self.side), f"a picture of {self.side} pixels a side needs no resampling"
        pixels = torch.from_numpy(numpy.asarray(picture.convert("RGB"), dtype=numpy.float32))
        pixels = (pixels.permute(2, 0, 1)[None] / 255 - 0.5) / 0.5
        return self.connector(self.vision_model(pixels).last_hidden_state)[0]


class Policy:
    """A published policy as transformers and PEFT load it."""

    def __init__(self, policies: Path, name: str):
        self.folder = policies / name / (policies / name / "current").read_text().strip()
        manifest = json.loads((self.folder / "manifest.json").read_text())
        assert manifest["chat_template"] == "chatml", "the script writes chatml only"
        gguf = {"gguf_file": MODEL.name}
        self.tokenizer = AutoTokenizer.from_pretrained(MODEL.parent, **gguf)
        base = AutoModelForCausalLM.from_pretrained(MODEL.parent, dtype=torch.float32, **gguf)
        self.embed = base.get_input_embeddings()
        self.model = PeftModel.from_pretrained(base, self.folder).eval()
        vision = manifest.get("vision")
        self.eyes = vision and Eyes(policies / vision["name"] / str(vision["generation"]) / "model.safetensors").eval()

    def ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    @torch.no_grad()
    def logits(self, picture: Path | None, question: str) -> tuple[list[int], range, torch.Tensor]:
        """The prompt's ids (0 where the picture is), the picture's positions, and logits [positions, vocabulary]."""
        start, end = self.ids("<|im_start|>") + self.ids("<|im_end|>")
        seen = self.eyes(Image.open(picture)) if picture else torch.zeros(0, self.embed.embedding_dim)
        # Text on both sides of a picture is tokenised for itself.
        before = [self.ids("user\n"), [0] * len(seen), self.ids(question)] if picture else [self.ids("user\n" + question)]
        ids = [start, *sum(before, []), end, *self.ids("\n"), start, *self.ids("assistant\n")]
        first = 1 + len(before[0]) if picture else 0
        embeddings = self.embed(torch.tensor(ids))
        embeddings[first : first + len(seen)] = seen
        return ids, range(first, first + len(seen)), self.model(inputs_embeds=embeddings[None]).logits[0]


def ours(apus: Path, policies: Path, name: str, picture: Path | None, question: str):
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "logits.safetensors"
        command = [apus, "policy", "logits", "--policies", policies, "--data-path", "", "--policy", name]
        command += ["--image", picture] if picture else []
        subprocess.run([str(part) for part in [*command, question, path]], check=True, stdout=subprocess.DEVNULL)
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            return [[int(n) for n in metadata[key].split()] for key in ("ids", "images")] + [file.get_tensor("logits")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--policy", default="sft")
    parser.add_argument("--policies", type=Path, default=ROOT / "Deploy/policies")
    parser.add_argument("--apus", type=Path, default=ROOT / ".build/release/apus")
    options = parser.parse_args()
    policy = Policy(options.policies, options.policy)
    for picture, question in PROMPTS:
        if picture and not policy.eyes:
            continue
        path = picture and ROOT / picture
        ids, images, expected = policy.logits(path, question)
        found_ids, found_images, found = ours(options.apus, options.policies, options.policy, path, question)
        text = [place for place in range(len(ids)) if place not in images]
        assert found_images == list(images), f"{question}: the picture is at {found_images}, expected {images}"
        assert [found_ids[p] for p in text] == [ids[p] for p in text], f"{question}: ids {found_ids}, expected {ids}"
        assert torch.isfinite(expected).all() and expected.abs().max() > 1
        gap = ((found - expected).abs().amax(1) / expected.abs().amax(1)).max().item()
        best = expected.topk(2).values
        clear = (best[:, 0] - best[:, 1]) > 0.05
        same = (found.argmax(1) == expected.argmax(1))[clear].float().mean().item()
        answer = policy.tokenizer.decode(expected[-1].argmax())
        print(f"{options.policy}, {len(ids)} positions, {question!r} → {answer!r}: logits differ by {gap:.1e} of the "
              f"largest, {same:.0%} of the clear best tokens are the same")
        assert gap < TOLERANCE and same == 1, f"{question}: the logits are not the same"


if __name__ == "__main__":
    sys.exit(main())
