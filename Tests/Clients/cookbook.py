"""Runs the snippets of docs/cookbook.md against a running server, unmodified but for the server's address.

usage: cookbook.py http://127.0.0.1:8080 [LANGUAGE...]

Prints a line for each snippet and leaves with 1 if any failed. Without LANGUAGE all of sh, python and js run; js needs
Debian's nodejs. What a snippet wants of a page is in page.mjs.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "cookbook.md"
PICTURE = Path(__file__).parents[2] / "Public" / "assets" / "sample.png"
ADDRESS = "http://127.0.0.1:8080"
PAGE_OF_NODE = Path(__file__).parent / "page.mjs"
COMMANDS = {
    "sh": ["bash", "-euo", "pipefail"],
    "python": [sys.executable],
    "js": ["node", "--import", PAGE_OF_NODE.resolve().as_uri()],
}
SUFFIXES = {"sh": ".sh", "python": ".py", "js": ".mjs"}


def snippets(page: str):
    """The fenced blocks with the heading above each: heading, language, text."""
    heading = ""
    for match in re.finditer(r"^## ([^\n]+)$|^```(\w+)\n(.*?)^```$", page, re.M | re.S):
        if match[1]:
            heading = match[1]
        elif match[2] in COMMANDS:
            yield heading, match[2], match[3]


def run(language: str, text: str, folder: Path, number: int) -> subprocess.CompletedProcess:
    script = folder / f"snippet{number}{SUFFIXES[language]}"
    script.write_text(text)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [*COMMANDS[language], script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )


def main() -> int:
    server, *languages = sys.argv[1:]
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "picture.png").write_bytes(PICTURE.read_bytes())
        for number, (heading, language, text) in enumerate(snippets(PAGE.read_text())):
            if languages and language not in languages:
                continue
            result = run(language, text.replace(ADDRESS, server.rstrip("/")), folder, number)
            # A snippet that shows nothing has shown nothing works.
            failed = result.returncode != 0 or not result.stdout.strip()
            failures += failed
            print("FAILED" if failed else "ok", heading, language, repr(result.stdout.strip()[-100:]), flush=True)
            if failed:
                print(result.stderr[-3000:], flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
