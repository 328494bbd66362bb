"""Fills a server's store with rankings over HTTP, and measures its routes and exports.

    python Tests/Clients/feedback_load.py .build/release/apus --rankings 10000

Starts the program on a data folder of its own, ranks every comparison of a queue by several labelers, and prints the
95th percentile of each route. Needs Python's standard library only. Exits 1 if a route takes longer than 100 ms, or an
export longer than 5 s.
"""

import argparse
import http.client
import json
import random
import subprocess
import tempfile
import time
from pathlib import Path

ROUTES = {
    "list, open": "/v1/comparisons?status=open&labeler=new&limit=20",
    "list, open, informative": "/v1/comparisons?status=open&labeler=new&limit=20&order=informative",
    "list, ranked": "/v1/comparisons?status=ranked&labeler=p0&limit=20",
    "summary": "/v1/feedback/summary?labeler=p0",
}


def percentile(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)] * 1000


class Client:
    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def send(self, method: str, path: str, body: dict | None = None) -> tuple[bytes, float]:
        started = time.perf_counter()
        data = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, data, {"content-type": "application/json"} if data else {})
        reply = self.connection.getresponse()
        content = reply.read()
        assert reply.status in (200, 201), (reply.status, content[:300])
        return content, time.perf_counter() - started


def fill(client: Client, comparisons: list[dict], rankings: int) -> list[float]:
    times = []
    for number in range(rankings):
        comparison = comparisons[number % len(comparisons)]
        ids = [candidate["id"] for candidate in comparison["candidates"]]
        random.shuffle(ids)
        body = {
            "comparison_id": comparison["id"], "ranking": [[name] for name in ids],
            "labeler": f"p{number // len(comparisons)}", "comment": "a remark of some length", "seconds": 9.5,
        }
        times.append(client.send("POST", "/v1/feedback", body)[1])
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rankings", type=int, default=10_000)
    parser.add_argument("--labelers", type=int, default=2, help="each ranks every comparison")
    parser.add_argument("--port", type=int, default=18_090)
    wanted = parser.parse_args()
    random.seed(0)
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        data, prompts = f"{folder}/data", Path(folder, "prompts.jsonl")
        count = wanted.rankings // wanted.labelers
        words = ["red", "blue", "a cat", "a dog", "on a mat", "in the sun", "two of them", "none"]
        prompts.write_text(
            "".join(
                json.dumps({
                    "question": f"What is number {n}?",
                    "answers": [" ".join(random.choices(words, k=6)) + f" {k}" for k in range(4)],
                }) + "\n"
                for n in range(count)
            )
        )
        run = [wanted.program, "feedback"]
        print(subprocess.run([*run, "queue", prompts, "--data-path", data], check=True, capture_output=True, text=True).stdout)
        server = subprocess.Popen(
            [wanted.program, "serve", "--port", str(wanted.port), "--data-path", data, "--log-level", "error"],
            stdout=subprocess.PIPE)
        try:
            server.stdout.readline()
            client = Client(wanted.port)
            comparisons, after = [], ""
            while True:
                page = json.loads(client.send("GET", f"/v1/comparisons?limit=100{after}")[0])
                comparisons += page["data"]
                if not page["has_more"]:
                    break
                after = f"&after={page['data'][-1]['id']}"
            assert len(comparisons) == count, (len(comparisons), count)
            measured["rank"] = percentile(fill(client, comparisons, count * wanted.labelers))
            for name, path in ROUTES.items():
                measured[name] = percentile([client.send("GET", path)[1] for _ in range(100)])
            one = f"/v1/comparisons/{comparisons[len(comparisons) // 2]['id']}?labeler=p0"
            measured["one"] = percentile([client.send("GET", one)[1] for _ in range(100)])
            measured["next"] = percentile(
                [client.send("POST", "/v1/comparisons/next", {"labeler": "new"})[1] for _ in range(100)])
            exports = {}
            for format in ("jsonl", "trl"):
                content, seconds = client.send("GET", f"/v1/feedback?format={format}")
                exports[f"GET {format}, {content.count(bytes([10]))} lines"] = seconds
        finally:
            server.terminate()
            server.wait()
        for format in ("records", "pairs"):
            started = time.perf_counter()
            subprocess.run(
                [*run, "export", "--format", format, f"{folder}/{format}", "--data-path", data], check=True,
                capture_output=True)
            exports[f"export {format}"] = time.perf_counter() - started
    for name, milliseconds in measured.items():
        print(f"{name}: p95 {milliseconds:.1f} ms")
    for name, seconds in exports.items():
        print(f"{name}: {seconds:.2f} s")
    slow = [name for name, value in measured.items() if value > 100] + [n for n, s in exports.items() if s > 5]
    if slow:
        raise SystemExit(f"too slow: {', '.join(slow)}")


if __name__ == "__main__":
    main()
