"""A whole SmolVLM folder of random weights, with tokenizer, processor and template, and its prompts and logits.

The image has a remainder behind the last patch, the head is untied, and pictures are cut into tiles: everything that a
published folder has. Prompts come from transformers' processor; the logits after them are computed in float64 from the
folder as it is read back. The pictures are those of make_tiles.py.
"""

import json

import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, SmolVLMConfig, SmolVLMForConditionalGeneration
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
from transformers.models.smolvlm.configuration_smolvlm import SmolVLMVisionConfig

from common import TESTS, destination, generator, report, write_json, write_tensors
from make_families import randomise
from make_tiles import picture

TILE, EDGE, PATCH, SCALE = 35, 105, 8, 2
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
MARKS = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"] + [
    f"<row_{row}_col_{column}>" for row in range(1, 4) for column in range(1, 4)
]


def tokenizer() -> PreTrainedTokenizerFast:
    """The tiny llama's tokens and merges, and SmolVLM's marks."""
    tiny = json.loads((TESTS / "ModelsTests/Fixtures/tiny-llama.json").read_text())
    merges = [tuple(merge.split(" ")) for merge in tiny["merges"]]
    fast = Tokenizer(models.BPE(vocab={token: id for id, token in enumerate(tiny["tokens"])}, merges=merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    fast.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    fast.decoder = decoders.ByteLevel()
    fast.add_special_tokens([AddedToken(token, normalized=False) for token in tiny["tokens"][:3] + MARKS])
    return PreTrainedTokenizerFast(
        tokenizer_object=fast, bos_token="<|im_start|>", eos_token="<end_of_utterance>", pad_token="<|im_end|>"
    )


@torch.no_grad()
def main() -> None:
    folder = destination("Models", "multimodal/config.json").parent
    words = tokenizer()
    vision = SmolVLMVisionConfig(
        image_size=TILE, patch_size=PATCH, hidden_size=48, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    text = {
        "model_type": "llama", "vocab_size": len(words) + 3, "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 512,
    }  # fmt: skip
    image = words.convert_tokens_to_ids("<image>")
    config = SmolVLMConfig(
        vision_config=vision, text_config=text, scale_factor=SCALE, image_token_id=image, tie_word_embeddings=False
    )
    model = SmolVLMForConditionalGeneration(config)
    randomise(model, generator(800))
    model.generation_config.eos_token_id = [words.eos_token_id, words.pad_token_id]
    model.to(torch.bfloat16).save_pretrained(folder)
    processor = Idefics3Processor(
        Idefics3ImageProcessorPil(size={"longest_edge": EDGE}, max_image_size={"longest_edge": TILE}),
        words, image_seq_len=(TILE // PATCH // SCALE) ** 2, chat_template=TEMPLATE,
    )  # fmt: skip
    processor.image_processor.save_pretrained(folder)
    words.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    for path in sorted(folder.iterdir()):
        report(path)

    model = SmolVLMForConditionalGeneration.from_pretrained(folder, dtype=torch.float64).eval()
    tensors, cases = {}, []
    for name, sizes, question in [
        ("text", [], "What is 12 + 345?"),
        ("one", [(35, 35)], "What is this?"),
        ("wide", [(90, 40)], "Is it wide, or tall?"),
        ("two", [(40, 90), (20, 20)], "\nWhich one?"),
    ]:
        for splits in [True, False] if sizes else [False]:
            content = [{"type": "image"} for _ in sizes] + [{"type": "text", "text": question}]
            messages = [{"role": "user", "content": content}]
            rendered = words.apply_chat_template(
                messages, chat_template=TEMPLATE, tokenize=False, add_generation_prompt=True
            )
            pictures = [Image.fromarray(picture(*size)) for size in sizes]
            if pictures:
                processor.image_processor.do_image_splitting = splits
                inputs = processor(text=rendered, images=[pictures], return_tensors="pt", do_image_splitting=splits)
                inputs["pixel_values"] = inputs["pixel_values"].double()
            else:
                inputs = words(rendered, return_tensors="pt", add_special_tokens=False)
            inputs.pop("token_type_ids", None)
            key = f"{name}.{'high' if splits else 'low'}"
            tensors[f"logits.{key}"] = model(**inputs).logits[0, -1]
            cases.append({"name": key, "sizes": sizes, "question": question, "ids": inputs["input_ids"][0].tolist()})
    write_tensors("Models", "multimodal.safetensors", tensors)
    write_json("Models", "multimodal.json", {"cases": cases})


if __name__ == "__main__":
    main()
