"""Writes small tokenizers of every supported kind, and what the `tokenizers` library makes of hard lines.

Each is trained on the lines of make_tokenizer.py with the parts that published tokenizers of its family have. A line's
ids are kept as a hash of 24 bits: over the ids with special tokens recognised, -1, and the ids with their text as text.

Usage: python3 Tests/Fixtures/make_tokenizers.py    (versions: requirements.txt)
"""

import base64
import io
import json
import random
import shutil
import struct
import unicodedata
from importlib.metadata import version
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from common import SEED, destination, report, write_json
from make_tokenizer import CODE, FRAGMENTS, SENTENCES, SPACES, character_classes, lines

NEW = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MARK = "▁"
CONTROL = ["<|begin|>", "<|end|>", "<|turn|>", "<|begin|>x"]
HARD = [
    "'S 'T 'RE 'VE 'M 'LL 'D 'rE 'Ll it'S WE'LL they'RE x'ſ 'ſt y'ſ", "''LL 'Lx 'l' 'v 'r 'rr", "1 12 123 1234 12345 ١٢٣٤ ½½½½",
    "a1b22c333d4444", "\r\n\r\n a\r\n", " \r\n \n\t\n x", "!\r\n?\n\n", " !\n", "...\r\r\n", "\n \n  \n   x", "\t\tx\t y",
    "x\u00a0\u00a0y\u3000\u3000z", "(a)(B) _c #d @e -f 'g \"h", "a\u0301\u0327 e\u0308 A\u030a \u1100\u1161\u11a8 \u0958 \u2126 \u212b",
    "\u0345a\u0345\u0300 q\u0307\u0323 q\u0323\u0307 \u1e0b\u0323", "\u0b47\u0b56\u0b57 \u0dd9\u0dcf\u0dca \u1025\u102e",
    "\U0001d15e\U0001d157\U0001d165 \ufb1d \ufb2c \U0002f800 \uf900", "\u09fe\u0301 \u1df6\u0301 e\u1ac1\u0301 \U00011d42\u0334 \u0898\u05b0",
    "\U000113c5\U000113c2 \U00011de0\U00011de1 \U00016ff4 \U0001e6c0 \u1c89\u1c8a", "<think>a</think> <think> x</think>\n<tool>",
    "<think\u0338>", "a<think>\u0301b", "x<|pad|>y <|pad|>  z", " \t<|strip|> \n x<|strip|>y", "word wordy a word. word's éword word\u0301",
    "é norm e\u0301 norm norm e\u0301", "▁a ▁ ▁▁b a▁b", "  two  spaces", " ", "  ", "▁", " <|end|> <|end|>  x", "<|begin|>x<|begin|>",
    "<0x41> <0xFF>", "𓀀𐎠 \ue000\U000f0000", "\n\n\n\n", "<|end|>\u00a0 <|strip|>\u2003\u2003", "a b<|turn|>c d <|turn|> e",
]


def added(content: str, special: bool = False, **flags: bool) -> AddedToken:
    return AddedToken(content, special=special, **({"normalized": False} | flags))


def further_lines() -> list[str]:
    """Lines about what the newer patterns, NFC and whole tokens do, beside those of make_tokenizer.py."""
    rng = random.Random(SEED + 7)
    result = list(HARD)
    result += [unicodedata.normalize("NFD", sentence) for sentence in SENTENCES]
    result += [sentence.replace(" ", "\r\n") for sentence in SENTENCES[::3]] + [code.upper() for code in CODE]
    whole = CONTROL + ["<think>", "</think>", "<|pad|>", "<|strip|>", "word", "norm", MARK, "\u0301", "\u0323", "12345"]
    while len(result) < 500:
        pool = (FRAGMENTS, SPACES, whole, whole)
        result.append("".join(rng.choice(rng.choice(pool)) for _ in range(rng.randrange(2, 12))))
    return result


def byte_level(pattern: str | None, normalizer=None) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
    split = pattern and pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level]) if split else level
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=560, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES + CODE, trainer)
    return tokenizer


def sentence_piece(normalizer, pre_tokenizer, drops_space: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    first = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=first, limit_alphabet=150, max_token_length=16, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES + CODE, trainer)
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    strip = [decoders.Strip(" ", 1, 0)] if drops_space else []
    tokenizer.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [token for token in file["added_tokens"] if not token["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(file))


def begins_with(tokenizer: Tokenizer, token: str) -> None:
    template = processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B:1", special_tokens=[(token, tokenizer.token_to_id(token))]
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])


def tokenizers() -> dict[str, Tokenizer]:
    """A tokenizer of each kind, by name."""
    kinds = {
        "gpt2": byte_level(None),
        "llama3": byte_level(NEW.format(digits="{1,3}")),
        "qwen2": byte_level(NEW.format(digits=""), normalizers.NFC()),
        "llama2": sentence_piece(
            normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), None, True
        ),
        "mistral": sentence_piece(None, pre_tokenizers.Metaspace(MARK, "first", split=False), True),
        "legacy": sentence_piece(None, pre_tokenizers.Metaspace(MARK, "always", split=False), True),
        "gemma": sentence_piece(normalizers.Replace(" ", MARK), None, False),
    }
    kinds["llama3"] = with_unreachable_tokens(kinds["llama3"])
    for tokenizer in kinds.values():
        tokenizer.add_special_tokens([added(token, special=True) for token in CONTROL])
        tokenizer.add_tokens([added("<think>"), added("</think>"), added("<|pad|>", rstrip=True)])
        tokenizer.add_tokens([added("<|strip|>", lstrip=True, rstrip=True), added("word", single_word=True)])
        tokenizer.add_tokens([added("é norm", normalized=True), added("norm", normalized=True)])
    begins_with(kinds["llama3"], "<|begin|>")
    return kinds


def with_unreachable_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with whole words as tokens that no merge produces: `ignore_merges` finds them."""
    file = json.loads(tokenizer.to_str())
    vocabulary = file["model"]["vocab"]
    for word in ("Ġreached", "123", "quick", "Ġ!!", "ĠtheĠ", "don"):
        vocabulary.setdefault(word, len(vocabulary))
    file["model"]["ignore_merges"] = True
    return Tokenizer.from_str(json.dumps(file))


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer without special tokens: their text is text. Ids stay, so the added ones get texts that no line has."""
    file = json.loads(tokenizer.to_str())
    known = file["model"]["vocab"]
    file["added_tokens"] = [t for t in file["added_tokens"] if not t["special"] or t["content"] not in known]
    for token in file["added_tokens"]:
        if token["special"]:
            token["content"] = f"\ue000{token['id']}\ue001"
    file["post_processor"] = None
    return Tokenizer.from_str(json.dumps(file))


def sentence_piece_model(texts: list[str]) -> dict:
    """A model of the sentencepiece library as a GGUF file lists it, and its ids. It never finds special tokens in text."""
    model = io.BytesIO()
    common = (Path(__file__).parent / "passage.txt").read_text().splitlines() * 60  # leaves rare characters to bytes
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES + CODE + common), model_writer=model, model_type="bpe", vocab_size=700, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
        split_digits=True, character_coverage=0.99, num_threads=1, minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(processor.get_piece_size())
    kinds = [
        2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 6 if processor.is_byte(i) else 1 for i in ids
    ]
    encoded = [processor.encode(text) for text in texts]
    return {
        "tokens": [processor.id_to_piece(i) for i in ids],
        "kinds": kinds,
        "scores": [processor.get_score(i) for i in ids],
        "ids": base64.b64encode(b"".join(digest(line) for line in encoded)).decode(),
        "text": base64.b64encode(b"".join(digest(list(processor.decode(line).encode())) for line in encoded)).decode(),
    }


def composition() -> str:
    """The digests of NFC of all of Unicode beside marks and a starter, by blocks of 4,096 scalars."""
    normalize = normalizers.NFC().normalize_str
    result = b""
    for first in range(0, 0x110000, 4096):
        scalars = (chr(code) for code in range(first, first + 4096) if not 0xD800 <= code < 0xE000)
        block = "".join(normalize(f"e{c}\u0323\u0301 \u1100{c}\u11a8") for c in scalars)
        result += digest([ord(c) for c in block])
    return base64.b64encode(result).decode()


def digest(ids: list[int]) -> bytes:
    """FNV-1a over the ids as 32-bit little-endian numbers, folded to 24 bits."""
    value = 0xCBF29CE484222325
    for byte in struct.pack(f"<{len(ids)}i", *ids):
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return ((value >> 24 ^ value) & 0xFFFFFF).to_bytes(3, "little")


def main() -> None:
    digits = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    texts = lines(character_classes(digits)) + further_lines()
    shutil.rmtree(destination("Tokenizers", "kinds"), ignore_errors=True)
    goldens = {}
    for name, tokenizer in tokenizers().items():
        path = destination("Tokenizers", f"kinds/{name}/tokenizer.json")
        path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        report(path)
        bare = plain(tokenizer)
        recognized = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        pairs = [(ids, bare.encode(text).ids) for ids, text in zip(recognized, texts)]
        hashes = b"".join(digest([*special, -1, *text]) for special, text in pairs)
        printed = [tokenizer.decode(ids, skip_special_tokens=True) for ids in recognized[:600]]
        sums = b"".join(digest(list(text.encode())) for text in printed)
        goldens[name] = {"ids": base64.b64encode(hashes).decode(), "text": base64.b64encode(sums).decode()}
    versions = {"tokenizers": version("tokenizers"), "sentencepiece": version("sentencepiece")}
    write_json("Tokenizers", "kinds.json", versions | {"lines": further_lines(), "nfc": composition()} | goldens)
    write_json("Tokenizers", "sentencepiece.json", versions | sentence_piece_model(texts))


if __name__ == "__main__":
    main()
