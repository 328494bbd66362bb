"""Draws answers to many JSON Schemas from a running server, and validates each one with jsonschema.

usage: schema_answers.py http://127.0.0.1:8080/v1 [--model NAME] [--key KEY] [--answers 1000] [--suite FOLDER]
                         [--record answers.jsonl] [--max-tokens 1024] [--streams 4]

Answers are drawn at temperature 1. --suite names `tests/draft2020-12` of JSON-Schema-Test-Suite, which the source
archive of jsonschema has in `json/`; its schemas are asked for beside those of answer_schemas.py. Each answer is a line
of --record, and what is there already is not asked for again. The last line counts the answers that are valid, those of
them that --max-tokens shortened, and the invalid ones. Leaves with 1 if one is invalid, or a schema of answer_schemas.py
is refused.
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import pathlib
import sys

import jsonschema
import openai

from answer_schemas import SCHEMAS, suite_schemas
from structured_answers import Session, check


def run(session: Session, arguments) -> bool:
    """Draws the answers that are not there yet; whether none is invalid and each schema of our own was taken."""
    kinds = [schemas for schemas in (SCHEMAS, suite_schemas(arguments.suite)) if schemas]
    known = {name: schema for schemas in kinds for name, schema in schemas.items()}
    path = pathlib.Path(arguments.record)
    entries = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {entry["seed"] for entry in entries}
    refused = {entry["schema"] for entry in entries if entry["outcome"] == "refused"}

    def name_of(seed: int) -> str:
        """Our own schemas and the suite's in turn."""
        names = list(kinds[seed % len(kinds)])
        return names[seed // len(kinds) % len(names)]

    def ask(seed: int) -> dict:
        name = name_of(seed)
        entry = {"seed": seed, "schema": name}
        prompt = f"Give an example of {name}."
        try:
            answer = session.schema(known[name], prompt, temperature=1, seed=seed, max_tokens=arguments.max_tokens)
        except openai.BadRequestError as error:
            # A few schemas of the suite have numbers that no body may have.
            check(error.code in ("invalid_schema", "invalid_json"), f"{name}: {error}")
            return {**entry, "outcome": "refused", "why": error.message}
        choice, tokens = answer.choices[0], answer.usage.completion_tokens
        entry |= {"tokens": tokens, "answer": choice.message.content}
        entry["finish_reason"] = choice.finish_reason
        try:
            validator = jsonschema.Draft202012Validator
            validator(known[name], format_checker=validator.FORMAT_CHECKER).validate(json.loads(entry["answer"]))
        except (ValueError, jsonschema.ValidationError) as error:
            return {**entry, "outcome": "invalid", "why": str(error).splitlines()[0]}
        return {**entry, "outcome": "valid"}

    seeds = (seed for seed in itertools.count() if seed not in done and name_of(seed) not in refused)
    with concurrent.futures.ThreadPoolExecutor(arguments.streams) as pool, path.open("a") as file:
        while (left := arguments.answers - sum(entry["outcome"] != "refused" for entry in entries)) > 0:
            asked = [pool.submit(ask, seed) for seed in itertools.islice(seeds, min(left, 8 * arguments.streams))]
            for future in concurrent.futures.as_completed(asked):
                entry = future.result()
                entries.append(entry)
                print(json.dumps(entry), file=file, flush=True)
                if entry["outcome"] == "refused":
                    refused.add(entry["schema"])
                elif entry["outcome"] != "valid":
                    print(f"  {entry['outcome']}: seed {entry['seed']}, {entry['schema']}", flush=True)
    counts = collections.Counter(entry["outcome"] for entry in entries)
    answered = len({entry["schema"] for entry in entries} - refused)
    print(f"{answered} schemas answered, {len(refused)} refused by keyword")
    shortened = sum(entry.get("finish_reason") == "length" for entry in entries)
    print(
        f"{counts['valid']} of {arguments.answers} valid, of which --max-tokens shortened {shortened}; "
        f"{counts['invalid']} invalid"
    )
    return counts["invalid"] == 0 and not refused & set(SCHEMAS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--model")
    parser.add_argument("--key", default="none")
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--suite")
    parser.add_argument("--record", default="answers.jsonl")
    parser.add_argument("--max-tokens", type=int, default=1024)
    parser.add_argument("--streams", type=int, default=4)
    arguments = parser.parse_args()
    return 0 if run(Session(arguments.url, arguments.key, arguments.model), arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
