"""Small checkpoints written by the formats' own Python packages: what our readers must read, byte for byte."""

import base64
import json
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

from common import SEED, destination, generator, provenance, report, write_json

SHAPE = (3, 64)
QUANTISED = ("Q4_0", "Q4_1", "Q8_0")
# Where the fp16 factors stand in a block of each format.
FACTORS = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_XS": [0],
}  # fmt: skip


def values() -> torch.Tensor:
    """Rows of different sizes; bfloat16 and half hold them exactly after rounding once."""
    rows = torch.randn(SHAPE, generator=generator(400)) * torch.tensor([[1.0], [0.01], [30.0]])
    return rows.to(torch.bfloat16).to(torch.float16).float()


def make_safetensors(x: torch.Tensor) -> None:
    """The same numbers in each float type, a scalar, an empty tensor and metadata that needs escapes.

    One metadata entry: safetensors writes several in random order.
    """
    path = destination("Checkpoints", "formats.safetensors")
    tensors = {
        "f32": x,
        "f16": x.to(torch.float16),
        "bf16": x.to(torch.bfloat16),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
    }
    note = 'quotes ", slashes / \\, ümläuts, \u2028'
    save_file(tensors, path, metadata={"provenance": json.dumps(provenance() | {"note": note}, ensure_ascii=False)})
    path.chmod(0o644)
    report(path)


def make_gguf(x: torch.Tensor) -> None:
    """One tensor of each type that we read beside what the reference dequantises it to, and metadata of every kind."""
    scratch = tempfile.NamedTemporaryFile(suffix=".gguf")
    writer = gguf.GGUFWriter(scratch.name, "llama")
    writer.add_uint8("kinds.uint8", 200)
    writer.add_int8("kinds.int8", -100)
    writer.add_uint16("kinds.uint16", 60_000)
    writer.add_int16("kinds.int16", -30_000)
    writer.add_uint32("kinds.uint32", 4_000_000_000)
    writer.add_int32("kinds.int32", -2_000_000_000)
    writer.add_uint64("kinds.uint64", 2**63)
    writer.add_int64("kinds.int64", -(2**62))
    writer.add_float32("kinds.float32", 0.25)
    writer.add_float64("kinds.float64", 1e300)
    writer.add_bool("kinds.bool", True)
    writer.add_string("kinds.string", "Grüße")
    writer.add_array("kinds.strings", ["a", "", "Ġb"])
    writer.add_array("kinds.integers", [1, -2, 3])
    writer.add_array("kinds.floats", [0.5, -1.5])
    rows = x.numpy()
    writer.add_tensor("f32", rows)
    writer.add_tensor("f16", rows.astype(np.float16))
    for name in ("BF16", *QUANTISED):
        kind = gguf.GGMLQuantizationType[name]
        stored = gguf.quants.quantize(rows, kind)
        writer.add_tensor(name.lower(), stored, raw_dtype=kind)
        writer.add_tensor(f"{name.lower()}.expected", gguf.quants.dequantize(stored, kind).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    content = base64.b64encode(Path(scratch.name).read_bytes()).decode()
    write_json("Checkpoints", "formats.json", {"gguf": content})


def random_blocks(kind: gguf.GGMLQuantizationType, factors: list[int], count: int) -> np.ndarray:
    """`count` blocks of random bytes, with halves of a usual size at the offsets `factors`. The first is subnormal."""
    random = np.random.default_rng(SEED + kind)
    blocks = random.integers(0, 256, (count, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for offset in factors:
        halves = random.uniform(-0.1, 0.1, count).astype(np.float16)
        halves[0] = 3e-6
        blocks[:, offset : offset + 2] = halves.view(np.uint8).reshape(count, 2)
    return blocks


def make_blocks() -> None:
    """Two rows of 512 weights in every block format, and what the reference dequantises them to."""
    scratch = tempfile.NamedTemporaryFile(suffix=".gguf")
    writer = gguf.GGUFWriter(scratch.name, "llama")
    for name, factors in FACTORS.items():
        kind = gguf.GGMLQuantizationType[name]
        stored = random_blocks(kind, factors, 1_024 // gguf.GGML_QUANT_SIZES[kind][0]).reshape(2, -1)
        writer.add_tensor(name.lower(), stored, raw_dtype=kind)
        writer.add_tensor(f"{name.lower()}.expected", gguf.quants.dequantize(stored, kind).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    content = base64.b64encode(Path(scratch.name).read_bytes()).decode()
    write_json("Checkpoints", "blocks.json", {"gguf": content})


def main() -> None:
    x = values()
    make_safetensors(x)
    make_gguf(x)
    make_blocks()


if __name__ == "__main__":
    main()
