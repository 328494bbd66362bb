"""Runs benchmark programs that others wrote, unmodified, against a running server, and checks what they report.

usage: harnesses.py http://127.0.0.1:8080 [--model NAME] [--tokenizer FOLDER] [SECTION...]

Sections: chat (lm-eval's local-chat-completions on a task of our own); load and images (guidellm, which needs
--tokenizer: a folder as `likelihoods.py --write` makes it). The programs are those beside this Python:
cookbook_requirements.txt has lm-eval, guidellm_requirements.txt has guidellm. Prints a line for each section and leaves
with 1 if any failed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import httpx

TASK = """\
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/{name}.json}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n\\n", "<|im_end|>"], max_gen_toks: 16, do_sample: false}}
metric_list: [{{metric: exact_match, ignore_case: true, ignore_punctuation: true}}]
"""


def check(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def run(program: str, *arguments: str, folder: Path) -> str:
    command = [str(Path(sys.executable).parent / program), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    check(done.returncode == 0, f"{program} exited {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout + done.stderr


def evaluate(options, name: str, lines: list[dict]) -> list[dict]:
    """lm-eval's own record of each question of a task."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / f"{name}.json").write_text(json.dumps(lines))
        (folder / f"{name}.yaml").write_text(TASK.format(name=name, folder=folder))
        address = f"base_url={options.url}/v1/chat/completions,model={options.model},num_concurrent=2"
        run(
            *["lm_eval", "--model", "local-chat-completions", "--model_args", address, "--tasks", name],
            *["--include_path", ".", "--apply_chat_template", "--output_path", "out", "--log_samples"],
            folder=folder,
        )
        [samples] = (folder / "out").rglob("samples_*.jsonl")
        return [json.loads(line) for line in samples.read_text().splitlines()]


def chat(options) -> str:
    """Each answer that lm-eval reads is the one that the server gives to anyone."""
    questions = ["Say hello in one short sentence.", "What is a lighthouse?", "Nenne eine Farbe – auf Deutsch."]
    samples = evaluate(options, "sentences", [{"question": text, "answer": "hello"} for text in questions])
    check(len(samples) == len(questions), f"{len(samples)} samples")
    for sample in samples:
        body = {"model": options.model, "messages": [{"role": "user", "content": sample["doc"]["question"]}]}
        body |= {"max_tokens": 16, "temperature": 0, "seed": 1234, "stop": ["\n\n", "<|im_end|>"]}
        reply = httpx.post(f"{options.url}/v1/chat/completions", json=body, timeout=300).json()
        expected = reply["choices"][0]["message"]["content"]
        check(bool(expected) and sample["resps"] == [[expected]], f"{sample['resps']} is not {expected!r}")
    return f"{len(samples)} answers"


def benchmark(options, data: str, route: str) -> dict:
    """guidellm's report on two streams for some seconds; no request may fail."""
    check(options.tokenizer is not None, "--tokenizer is missing")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "report.json"
        run(
            *["guidellm", "run", "--profile", "kind=concurrent,streams=2", "--disable-console-interactive"],
            *["--backend", f"kind=openai_http,target={options.url},request_format={route}"],
            *["--constraint", "kind=max_duration,seconds=8", "--output", f"kind=json,path={path}"],
            *["--tokenizer", f"kind=huggingface_auto,model={options.tokenizer}", "--data", data],
            folder=Path(scratch),
        )
        [report] = json.loads(path.read_text())["benchmarks"]
    totals = report["metrics"]["request_totals"]
    check(totals["successful"] > 0 and totals["errored"] == 0, f"{route}: {totals}")
    return report


def load(options) -> str:
    """Each answer has the length that guidellm asks for, on every route that it knows."""
    counts = []
    for route in ["/v1/chat/completions", "/v1/completions", "/v1/responses"]:
        report = benchmark(options, "kind=synthetic_text,prompt_tokens=48,output_tokens=16", route)
        requests = report["requests"]["successful"]
        check({request["output_metrics"]["text_tokens"] for request in requests} == {16}, f"{route}: {requests[0]}")
        counts.append(f"{len(requests)} at {route}")
    return ", ".join(counts)


def images(options) -> str:
    """Images in both formats that guidellm makes."""
    counts = []
    for kind in ["jpeg", "png"]:
        data = f"kind=synthetic_image,width=96,height=64,format={kind},output_tokens=8"
        requests = benchmark(options, data, "/v1/chat/completions")["requests"]["successful"]
        check(all(request["input_metrics"]["image_tokens"] for request in requests), f"{kind}: no image tokens")
        counts.append(f"{len(requests)} with {kind}")
    return ", ".join(counts)


SECTIONS = {"chat": chat, "load": load, "images": images}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--model", default="ppo")
    parser.add_argument("--tokenizer")
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    options = parser.parse_intermixed_args()
    options.url = options.url.rstrip("/")
    failures = 0
    for name in options.sections or SECTIONS:
        try:
            print(f"ok {name}: {SECTIONS[name](options)}", flush=True)
        except Exception:
            failures += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
