"""Asks a running server for answers of given forms, with the official OpenAI client, and checks every one.

usage: structured_answers.py http://127.0.0.1:8080/v1 [--model NAME] [--key KEY] [SECTION...]

Sections: objects, tools, grammars, errors, speed; all but speed run without SECTION. Prints a line for each section and
leaves with 1 if any failed. schema_answers.py asks for many schemas.
"""

import argparse
import concurrent.futures
import json
import re
import statistics
import sys
import time
import traceback

import jsonschema
import openai
from openai import OpenAI

from answer_schemas import SCHEMAS, STRING, record

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place.",
        "parameters": record(place={"type": "string", "minLength": 1, "maxLength": 20}, unit={"enum": ["C", "F"]}),
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "description": "The time now."}}


class Session:
    """One client and the model that it asks."""

    def __init__(self, url: str, key: str, model: str | None):
        self.client = OpenAI(base_url=url, api_key=key, max_retries=2, timeout=600)
        self.model = model or self.client.models.list().data[0].id

    def chat(self, text_or_messages, **options):
        messages = text_or_messages
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        return self.client.chat.completions.create(model=self.model, messages=messages, **options)

    def schema(self, schema, prompt="Give an example.", **options):
        form = {"type": "json_schema", "json_schema": {"name": "example", "schema": schema, "strict": True}}
        return self.chat(prompt, response_format=form, **options)


def check(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def objects(session: Session, arguments) -> str:
    """JSON mode, several choices, log-probabilities, streams and penalties give what they would give by themselves."""
    mode = {"type": "json_object"}
    first = session.chat(
        "Describe a cat as JSON.",
        response_format=mode,
        temperature=1,
        seed=3,
        max_tokens=120,
        n=4,
        logprobs=True,
        top_logprobs=2,
    )
    for choice in first.choices:
        check(isinstance(json.loads(choice.message.content), dict), choice.message.content)
        tokens = choice.logprobs.content
        check(
            bytes(b for t in tokens for b in t.bytes).decode(errors="ignore").startswith(choice.message.content[:20]),
            "logprobs",
        )
    schema = SCHEMAS["person"]
    whole = session.schema(schema, temperature=1, seed=5, max_tokens=200, frequency_penalty=0.3)
    stream = session.schema(schema, temperature=1, seed=5, max_tokens=200, frequency_penalty=0.3, stream=True)
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    check(joined == whole.choices[0].message.content, f"{joined!r} is not {whole.choices[0].message.content!r}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        again = list(
            pool.map(
                lambda _: session.schema(schema, temperature=1, seed=5, max_tokens=200, frequency_penalty=0.3), range(4)
            )
        )
    check(all(a.choices[0].message.content == joined for a in again), "an answer depends on its neighbours")
    return f"{len(first.choices)} choices, stream and batch equal"


def tool_loop(session: Session, stream: bool) -> int:
    """Asks, runs the calls, and sends their results back."""
    messages = [{"role": "user", "content": "What is the weather in Oslo?"}]
    options = {"tools": [WEATHER, CLOCK], "max_tokens": 200, "temperature": 0, "seed": 1}
    if stream:
        calls: dict[int, dict] = {}
        reason = None
        for chunk in session.chat(messages, tool_choice="required", stream=True, **options):
            if not chunk.choices:
                continue
            reason = chunk.choices[0].finish_reason or reason
            for part in chunk.choices[0].delta.tool_calls or []:
                call = calls.setdefault(part.index, {"type": "function", "function": {"name": "", "arguments": ""}})
                if part.id:
                    call["id"] = part.id
                call["function"]["name"] += part.function.name or ""
                call["function"]["arguments"] += part.function.arguments or ""
        message = {"role": "assistant", "content": None, "tool_calls": list(calls.values())}
        found = message["tool_calls"]
    else:
        choice = session.chat(messages, tool_choice="required", **options).choices[0]
        reason = choice.finish_reason
        message = choice.message.model_dump()
        found = message["tool_calls"]
    check(reason in ("tool_calls", "length"), f"finish_reason {reason}")
    if reason == "length":
        return 0
    check(bool(found), "no calls")
    results = []
    for call in found:
        arguments = json.loads(call["function"]["arguments"])
        if call["function"]["name"] == "get_weather":
            jsonschema.validate(arguments, WEATHER["function"]["parameters"])
        else:
            check(call["function"]["name"] == "get_time" and arguments == {}, str(call))
        results.append({"role": "tool", "tool_call_id": call["id"], "content": '{"temperature": 4, "sky": "rain"}'})
    final = session.chat(messages + [message] + results, tool_choice="none", **options)
    check(bool(final.choices[0].message.content), "no answer to the result")
    check(not final.choices[0].message.tool_calls, "a call although there should be none")
    return len(found)


def tools(session: Session, arguments) -> str:
    counts = [tool_loop(session, stream=False), tool_loop(session, stream=True)]
    named = {"type": "function", "function": {"name": "get_weather"}}
    for seed in range(8):
        choice = session.chat(
            "Weather?", tools=[CLOCK, WEATHER], tool_choice=named, seed=seed, temperature=1, max_tokens=120
        ).choices[0]
        check(choice.finish_reason in ("tool_calls", "length"), choice.finish_reason)
        if choice.finish_reason == "tool_calls":
            check([c.function.name for c in choice.message.tool_calls] == ["get_weather"], str(choice.message))
            jsonschema.validate(
                json.loads(choice.message.tool_calls[0].function.arguments), WEATHER["function"]["parameters"]
            )
    free = session.chat("Say hello.", tools=[WEATHER], max_tokens=40, seed=1, temperature=1).choices[0]
    check(free.message.content or free.message.tool_calls, "nothing")
    one = session.chat(
        "Time?", tools=[CLOCK], tool_choice="required", parallel_tool_calls=False, max_tokens=60, seed=2
    ).choices[0]
    check(one.finish_reason == "tool_calls" and len(one.message.tool_calls) == 1, str(one))
    return f"{counts} calls whole and streamed, named, free and single calls"


def grammars(session: Session, arguments) -> str:
    regex = r"(yes|no), because [a-z ]{5,40}\."
    for seed in range(8):
        choice = session.chat(
            "Is the sky blue?", extra_body={"regex": regex}, temperature=1, seed=seed, max_tokens=60
        ).choices[0]
        check(re.fullmatch(regex, choice.message.content) is not None, choice.message.content)
    grammar = 'root ::= item (", " item)* "."\nitem ::= ("red" | "green" | "blue") " " [0-9]{1,2}\n'
    for seed in range(8):
        choice = session.chat(
            "Colours?", extra_body={"grammar": grammar}, temperature=1, seed=seed, max_tokens=60
        ).choices[0]
        item = r"(red|green|blue) [0-9]{1,2}"
        check(re.fullmatch(rf"{item}(, {item})*\.", choice.message.content) is not None, choice.message.content)
    text = session.client.completions.create(
        model=session.model, prompt="The year was ", extra_body={"regex": "[12][0-9]{3}"}, max_tokens=8, seed=1
    ).choices[0]
    check(re.fullmatch("[12][0-9]{3}", text.text) is not None, text.text)
    return "regular expressions and GBNF, chat and completions"


def errors(session: Session, arguments) -> str:
    def refused(code: str, param: str, **options):
        try:
            session.chat("x", max_tokens=5, **options)
        except openai.BadRequestError as error:
            check(error.code == code and error.param.startswith(param), f"{error.code} {error.param}")
            return
        raise AssertionError(f"{options} was accepted")

    form = lambda schema: {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    refused(
        "invalid_schema",
        "response_format.json_schema.schema.properties.a.not",
        response_format=form({"properties": {"a": {"not": {}}}}),
    )
    refused("invalid_value", "regex", extra_body={"regex": "(?=a)"})
    refused("invalid_value", "grammar", extra_body={"grammar": "root ::= x"})
    refused("invalid_value", "regex", extra_body={"regex": "a", "grammar": 'root ::= "a"'})
    refused(
        "invalid_schema",
        "tools[0].function.parameters",
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "if": {}}}}],
    )
    refused(
        "invalid_value", "tool_choice", tools=[CLOCK], tool_choice={"type": "function", "function": {"name": "other"}}
    )
    return "errors name the field"


def speed(session: Session, arguments) -> str:
    """Tokens per second with and without a schema, in turns, for one stream and for 32."""
    schema = record(text={"type": "string", "minLength": 2000}, more={"type": "array", "items": STRING})

    def run(streams: int, **options) -> float:
        def one(seed: int) -> int:
            answer = session.chat("Tell a long story.", temperature=1, seed=seed, max_tokens=128, **options)
            return answer.usage.completion_tokens

        start = time.time()
        with concurrent.futures.ThreadPoolExecutor(streams) as pool:
            tokens = sum(pool.map(one, range(streams)))
        return tokens / (time.time() - start)

    form = {"type": "json_schema", "json_schema": {"name": "story", "schema": schema}}
    free = {"extra_body": {"ignore_eos": True}}
    lines = []
    for streams in (1, 32):
        run(streams, response_format=form)
        ratios = [run(streams, response_format=form) / run(streams, **free) for _ in range(5)]
        lines.append(f"{streams} streams: {statistics.median(ratios):.3f} of the free speed")
    return "; ".join(lines)


SECTIONS = {
    "objects": objects,
    "tools": tools,
    "grammars": grammars,
    "errors": errors,
    "speed": speed,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--model")
    parser.add_argument("--key", default="none")
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    arguments = parser.parse_intermixed_args()
    session = Session(arguments.url, arguments.key, arguments.model)
    failures = 0
    for name in arguments.sections or [name for name in SECTIONS if name != "speed"]:
        try:
            print(f"ok    {name}: {SECTIONS[name](session, arguments)}", flush=True)
        except Exception:
            failures += 1
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
