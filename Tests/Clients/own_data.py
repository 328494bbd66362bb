"""Reads the same examples as Apus and as Hugging Face's datasets and TRL do, and compares what a model would be shown.

    python Tests/Clients/own_data.py .build/release/apus

Writes small images from a fixed seed and a dozen examples in each format that `apus data check` reads. `apus eval data`
asks them at a server of this script, which notes the conversations. The files are then loaded by datasets (json lines,
image folder) and TRL puts the images into the turns; both must show the same texts and pixels in the same order.

Needs the packages of trl_requirements.txt. Exits 1 with the first difference.
"""

import base64
import io
import json
import random
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from datasets import Image as ImageFeature
from datasets import Sequence, load_dataset
from PIL import Image
from trl.data_utils import prepare_multimodal_messages

COUNT = 12


class Server(BaseHTTPRequestHandler):
    """Answers as Apus does, and notes each conversation."""

    def log_message(self, *_):
        pass

    def reply(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.reply({"id": "mine", "generation": 1, "data": [{"id": "mine", "generation": 1}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append(body["messages"])
        message = {"role": "assistant", "content": "?"}
        self.reply({"choices": [{"message": message, "finish_reason": "stop"}]})


def pixels(image):
    image = image.convert("RGB")
    return image.size, image.tobytes()


def shown(messages):
    """Turns as (role, parts), adjacent texts joined; images as their pixels."""
    turns = []
    for message in messages:
        content = message["content"]
        parts = []
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "text":
                parts.append(part["text"])
            elif part["type"] == "image_url":
                data = base64.b64decode(part["image_url"]["url"].split(",")[1])
                parts.append(pixels(Image.open(io.BytesIO(data))))
            else:
                parts.append(pixels(part["image"]))
        turns.append((message["role"], parts))
    return turns


def asked_by_apus(apus, path):
    """The conversations that `apus eval data` asks, in the order of the data."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    subprocess.run(
        [apus, "eval", "data", str(path), "--url", url, "--policy", "mine", "--concurrency", "1"],
        check=True,
        capture_output=True,
    )
    server.shutdown()
    return [shown(messages) for messages in server.seen]


def write(folder):
    """The images, and the examples as prompt, completion and images."""
    numbers = random.Random(0)
    examples = []
    for index in range(COUNT + 3):
        size = (numbers.randint(5, 90), numbers.randint(5, 90))
        image = Image.new("RGB", size, tuple(numbers.randint(0, 255) for _ in range(3)))
        image.putpixel((0, 0), (index, 0, 0))
        image.save(folder / f"{index}.png")
    for index in range(COUNT):
        several = index % 4 == 3
        examples.append(
            {
                "prompt": [{"role": "user", "content": f'Frage {index}: "was", wo\nist äöü €?'}],
                "completion": [{"role": "assistant", "content": f"answer {index}"}],
                "images": [f"{index + shift}.png" for shift in range(2 if several else 1)],
            }
        )
    return examples


def lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=row is rows[0]) + "\n" for row in rows))


def by_trl(folder, name):
    """The prompts of a file of JSON lines, as TRL shows them to a processor."""
    rows = load_dataset("json", data_files=str(folder / name), split="train")
    rows = rows.map(lambda row: {"images": [str(folder / image) for image in row["images"]]})
    rows = rows.cast_column("images", Sequence(ImageFeature()))
    prompts = []
    for row in rows:
        messages = row["prompt"] if "prompt" in row else row["messages"][:-1]
        prompts.append(shown(prepare_multimodal_messages(messages, images=row["images"])))
    return prompts


def same(name, ours, theirs):
    assert len(ours) == len(theirs), f"{name}: {len(ours)} examples, expected {len(theirs)}"
    for index, (one, other) in enumerate(zip(ours, theirs)):
        assert one == other, f"{name}: example {index} differs: {one}\n{other}"
    print(f"{name}: {len(ours)} examples are the same")


def main(apus):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        examples = write(folder)

        lines(folder / "trl.jsonl", examples)
        same("TRL, prompt and completion", asked_by_apus(apus, folder / "trl.jsonl"), by_trl(folder, "trl.jsonl"))

        rows = [{"messages": row["prompt"] + row["completion"], "images": row["images"]} for row in examples]
        lines(folder / "messages.jsonl", rows)
        same("TRL, messages", asked_by_apus(apus, folder / "messages.jsonl"), by_trl(folder, "messages.jsonl"))

        expected = by_trl(folder, "trl.jsonl")
        rows = []
        for index, row in enumerate(examples):
            urls = row["images"]
            if index % 2:
                data = [base64.b64encode((folder / image).read_bytes()).decode() for image in urls]
                urls = [f"data:image/png;base64,{image}" for image in data]
            content = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
            content.append({"type": "text", "text": row["prompt"][0]["content"]})
            rows.append({"messages": [{"role": "user", "content": content}] + row["completion"]})
        lines(folder / "openai.jsonl", rows)
        same("OpenAI", asked_by_apus(apus, folder / "openai.jsonl"), expected)

        rows = []
        for row in examples:
            human = "<image>\n" * len(row["images"]) + row["prompt"][0]["content"]
            turns = [{"from": "human", "value": human}, {"from": "gpt", "value": row["completion"][0]["content"]}]
            image = row["images"] if len(row["images"]) > 1 else row["images"][0]
            rows.append({"id": str(len(rows)), "image": image, "conversations": turns})
        (folder / "llava.json").write_text(json.dumps(rows, indent=2))
        same("LLaVA", asked_by_apus(apus, folder / "llava.json"), expected)

        table = folder / "table"
        table.mkdir()
        single = [row for row in examples if len(row["images"]) == 1]
        cells = [(row["images"][0], row["prompt"][0]["content"], row["completion"][0]["content"]) for row in single]
        text = "file_name,question,answer\r\n"
        for image, question, answer in cells:
            (table / image).write_bytes((folder / image).read_bytes())
            quoted = question.replace('"', '""')
            text += f'{image},"{quoted}",{answer}\r\n'
        (table / "metadata.csv").write_bytes(text.encode())
        rows = load_dataset("imagefolder", data_dir=str(table), split="train")
        # The loader has the order of the files.
        theirs = {
            row["question"]: [("user", [pixels(row["image"]), row["question"]])] for row in rows
        }
        ours = asked_by_apus(apus, table)
        same("image folder with a table", ours, [theirs[question] for _, question, _ in cells])


if __name__ == "__main__":
    main(sys.argv[1])
