"""A SmolVLM checkpoint of random weights as transformers saves it, around the tiny llama, and its logits for one picture.

The logits are computed in float64 from the checkpoint as it is read back. README.md in this folder lists every tensor.
"""

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration
from transformers.models.smolvlm.configuration_smolvlm import SmolVLMVisionConfig

import tiny_llama
from common import destination, generator, report, write_json, write_tensors
from make_vision import randomise

IMAGE, PATCH, SCALE = 32, 8, 2
MARK = 0  # the id at a picture's positions; no text has it
TEXT, QUESTION = 9, 14  # tokens before the picture and after it


def model() -> SmolVLMForConditionalGeneration:
    """The checkpoint: a random encoder and connector, the tiny llama as the language model."""
    vision = SmolVLMVisionConfig(
        image_size=IMAGE,
        patch_size=PATCH,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=96,
    )
    config = SmolVLMConfig(
        vision_config=vision,
        text_config=tiny_llama.CONFIG,
        scale_factor=SCALE,
        image_token_id=MARK,
        tie_word_embeddings=True,
    )
    config.vision_config._attn_implementation = "sdpa"
    smolvlm = SmolVLMForConditionalGeneration(config)
    source = generator(400)
    randomise(smolvlm.model.vision_model, source)
    randomise(smolvlm.model.connector, source)
    state = {name.removeprefix("model."): value for name, value in tiny_llama.weights().items()}
    smolvlm.model.text_model.load_state_dict(state)
    smolvlm.tie_weights()
    return smolvlm.eval()


@torch.no_grad()
def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        model().save_pretrained(folder)
        for name in ("config.json", "model.safetensors"):
            path = destination("Models", f"smolvlm/{name}")
            shutil.copyfile(Path(folder) / name, path)
            report(path)
    smolvlm = SmolVLMForConditionalGeneration.from_pretrained(destination("Models", "smolvlm"), dtype=torch.float64)
    source = generator(401)
    text = torch.randint(3, 320, (TEXT + QUESTION,), generator=source).tolist()
    places = (IMAGE // PATCH // SCALE) ** 2
    ids = text[:TEXT] + [MARK] * places + text[TEXT:]
    pixels = torch.rand(1, 3, IMAGE, IMAGE, generator=source) * 2 - 1
    output = smolvlm.eval()(input_ids=torch.tensor([ids]), pixel_values=pixels.double()[None])
    (seen,) = output.image_hidden_states.pooler_output
    tensors = {"pixels": pixels, "tokens": seen.reshape(places, -1), "logits": output.logits[0]}
    write_tensors("Models", "smolvlm.safetensors", tensors)
    write_json("Models", "smolvlm.json", {"ids": ids, "image": [TEXT, TEXT + places]})


if __name__ == "__main__":
    main()
