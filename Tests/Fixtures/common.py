"""What every fixture script shares: where files go, their metadata, and the checks that keep a fixture useful."""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save_file

TESTS = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apus"
BASE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SEED = 20240607
LIMIT = 1_000_000  # bytes a file

torch.set_num_threads(1)  # one order of summation, whatever the machine
torch.use_deterministic_algorithms(True)


def destination(target: str, name: str) -> Path:
    """Tests/<target>Tests/Fixtures/<name>, with its folder made."""
    path = TESTS / f"{target}Tests" / "Fixtures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def provenance() -> dict[str, str]:
    """The command, the library versions and the seed that made a fixture."""
    script = Path(sys.argv[0]).name
    packages = ("torch", "transformers", "safetensors", "gguf", "peft", "numpy")
    return {
        "command": f"python Tests/Fixtures/{script}",
        "seed": str(SEED),
        "versions": " ".join(f"{p}={version(p).split('+')[0]}" for p in packages),
    }


def write_tensors(target: str, name: str, tensors: dict[str, torch.Tensor]) -> None:
    """Writes float32 safetensors. A tensor that is near zero everywhere, or not finite, proves nothing: refused."""
    checked = {}
    for key, tensor in tensors.items():
        value = tensor.detach().to(torch.float32).contiguous().clone()
        if not torch.isfinite(value).all():
            raise ValueError(f"{name}: {key} is not finite")
        if value.abs().max() < 1e-7:
            raise ValueError(f"{name}: {key} is zero everywhere")
        checked[key] = value
    path = destination(target, name)
    # One metadata entry: safetensors writes several in random order, and a fixture made twice must be the same file.
    save_file(checked, path, metadata={"provenance": json.dumps(provenance())})
    path.chmod(0o644)
    report(path)


def write_json(target: str, name: str, content: dict) -> None:
    """Writes a JSON object with the provenance first; lists of numbers stay on one line."""
    path = destination(target, name)
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in ({"provenance": provenance()} | content).items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    report(path)


def report(path: Path) -> None:
    size = path.stat().st_size
    if size > LIMIT:
        raise ValueError(f"{path} has {size} bytes, more than {LIMIT}")
    print(f"{path.relative_to(TESTS.parent)}: {size} bytes")


def generator(offset: int = 0) -> torch.Generator:
    """A random source of its own for each purpose, so that one fixture's growth never changes another."""
    return torch.Generator().manual_seed(SEED + offset)
