"""Drives a running server with the official clients of OpenAI and Anthropic: responses, messages, embeddings, files.

usage: api_clients.py http://127.0.0.1:8080 [--model NAME] [--key KEY] [SECTION...]

Needs the packages of cookbook_requirements.txt, or of openai2_requirements.txt for OpenAI's older client. Prints a line
for each section and leaves with 1 if any failed. Without SECTION all run: responses, response_stream,
messages, message_stream, tools, embeddings, files, decisions, tokens, errors.
"""

import argparse
import base64
import json
import sys
import traceback

import anthropic
import httpx
import openai

from openai_client import check, data_url, equal, png

RED = png(64, 64, (255, 0, 0))
QUESTION = "Say hello in one short sentence."
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Session:
    """The clients, and the model that they ask."""

    def __init__(self, url: str, key: str, model: str | None):
        url = url.rstrip("/")
        self.openai = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, timeout=300)
        self.anthropic = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=300)
        self.http = httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=300)
        self.model = model or self.openai.models.list().data[0].id

    def respond(self, **options):
        options = {"max_output_tokens": 24, "temperature": 0, "store": False, "input": QUESTION, **options}
        return self.openai.responses.create(model=self.model, **options)

    def message(self, content=QUESTION, **options):
        options = {"max_tokens": 24, "extra_body": {"temperature": 0}, **options}
        return self.anthropic.messages.create(
            model=self.model, messages=[{"role": "user", "content": content}], **options
        )


def responses(session: Session) -> None:
    first = session.respond(instructions="Be short.")
    equal(first.object, "response", "object")
    check(first.status in ("completed", "incomplete"), f"status {first.status}")
    check(bool(first.output_text), "no text")
    equal(first.output_text, session.respond(instructions="Be short.").output_text, "the same request's text")
    history = [{"role": "user", "content": QUESTION}, *[item.model_dump() for item in first.output]]
    check(bool(session.respond(input=[*history, {"role": "user", "content": "And again?"}]).output_text), "no text")
    image = {"type": "input_image", "image_url": data_url(RED), "detail": "auto"}
    text = {"type": "input_text", "text": "What color is the shape?"}
    seen = session.respond(input=[{"role": "user", "content": [image, text]}])
    check(seen.usage.input_tokens_details.image_tokens > 0, "no image tokens")
    logged = session.respond(top_logprobs=2, include=["message.output_text.logprobs"])
    content = logged.output[0].content[0]
    equal("".join(token.token for token in content.logprobs), content.text, "the text of its tokens")


def response_stream(session: Session) -> None:
    kinds, text, numbers = [], "", []
    for event in session.respond(stream=True):
        kinds.append(event.type)
        numbers.append(event.sequence_number)
        if event.type == "response.output_text.delta":
            text += event.delta
    equal(numbers, list(range(len(numbers))), "sequence numbers")
    equal(kinds[0], "response.created", "the first event")
    check(kinds[-1] in ("response.completed", "response.incomplete"), f"the last event is {kinds[-1]}")
    equal(text, session.respond().output_text, "the streamed text")
    with session.openai.responses.stream(model=session.model, input=QUESTION, temperature=0, store=False) as stream:
        for _ in stream:
            pass
        check(bool(stream.get_final_response().output_text), "no text from the helper")


def messages(session: Session) -> None:
    first = session.message(system="Be short.")
    equal(first.type, "message", "type")
    check(first.stop_reason in ("end_turn", "max_tokens"), f"stop reason {first.stop_reason}")
    check(bool(first.content[0].text), "no text")
    again = session.message(system="Be short.")
    equal(again.content[0].text, first.content[0].text, "the same request's text")
    total = first.usage.input_tokens + first.usage.cache_read_input_tokens
    equal(again.usage.input_tokens + again.usage.cache_read_input_tokens, total, "input tokens with and without cache")
    counted = session.anthropic.messages.count_tokens(
        model=session.model, system="Be short.", messages=[{"role": "user", "content": QUESTION}]
    )
    equal(counted.input_tokens, total, "counted tokens")
    equal(session.message(max_tokens=1).stop_reason, "max_tokens", "stop reason at the limit")
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(RED).decode()}
    seen = session.message([{"type": "image", "source": source}, {"type": "text", "text": "What color is it?"}])
    check(bool(seen.content[0].text), "no text about an image")
    beginning = session.anthropic.messages.create(
        model=session.model,
        max_tokens=8,
        messages=[{"role": "user", "content": "Name a color."}, {"role": "assistant", "content": "The color is"}],
    )
    check(len(beginning.content) == 1, "a beginning is continued")


def message_stream(session: Session) -> None:
    options = {"model": session.model, "max_tokens": 24, "extra_body": {"temperature": 0}}
    with session.anthropic.messages.stream(messages=[{"role": "user", "content": QUESTION}], **options) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    equal(text, session.message().content[0].text, "the streamed text")
    equal(final.content[0].text, text, "the final message")
    check(final.usage.output_tokens > 0, "no output tokens")


def tools(session: Session) -> None:
    """A call of a function, its result, and the answer: by both clients, streamed and not."""
    function = {"type": "function", "name": "weather", "description": "The weather of a city.", "parameters": PARAMETERS}
    options = {"tools": [function], "tool_choice": "required", "input": "How is the weather in Rome?"}
    options["max_output_tokens"] = 64
    response = session.respond(**options)
    calls = [item for item in response.output if item.type == "function_call"]
    check(bool(calls), f"no call: {response.output}")
    if response.status == "completed":
        check("city" in json.loads(calls[0].arguments), "the arguments do not fit")
    done = [event for event in session.respond(stream=True, **options) if event.type.endswith("arguments.done")]
    equal([event.arguments for event in done], [call.arguments for call in calls], "streamed arguments")
    result = {"type": "function_call_output", "call_id": calls[0].call_id, "output": "sunny"}
    # Objects of the client, and dictionaries, in which the newest fields of the client are null; a call may be cut.
    for output in (response.output, [item.model_dump() for item in response.output]):
        history = [{"role": "user", "content": options["input"]}, *output]
        check(session.respond(input=[*history, result], tools=[function]).status != "failed", "the loop failed")

    tool = {"name": "weather", "description": "The weather of a city.", "input_schema": PARAMETERS}
    message = session.message(
        "How is the weather in Rome?", tools=[tool], tool_choice={"type": "any"}, max_tokens=64
    )
    used = [block for block in message.content if block.type == "tool_use"]
    check(bool(used), f"no call: {message.content}")
    for content in (message.content, [block.model_dump() for block in message.content]):
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": "sunny"} for block in used]
        history = [
            {"role": "user", "content": "How is the weather in Rome?"},
            {"role": "assistant", "content": content},
            {"role": "user", "content": results},
        ]
        session.anthropic.messages.create(model=session.model, max_tokens=8, messages=history, tools=[tool])
    with session.anthropic.messages.stream(
        model=session.model,
        max_tokens=64,
        messages=[{"role": "user", "content": "How is the weather in Rome?"}],
        tools=[tool],
        tool_choice={"type": "any"},
        extra_body={"temperature": 0},
    ) as stream:
        final = stream.get_final_message()
    equal([b.input for b in final.content if b.type == "tool_use"], [b.input for b in used], "streamed input")


def embeddings(session: Session) -> None:
    texts = ["A boat on the sea.", "A ship at sea.", "The law of taxes."]
    reply = session.openai.embeddings.create(model=session.model, input=texts)
    vectors = [entry.embedding for entry in reply.data]
    for vector in vectors:
        check(abs(sum(x * x for x in vector) - 1) < 1e-4, "an embedding has another length than 1")
    plain = session.openai.embeddings.create(model=session.model, input=texts[0], encoding_format="float")
    check(all(abs(a - b) < 1e-7 for a, b in zip(plain.data[0].embedding, vectors[0])), "float and base64 differ")

    def likeness(a: int, b: int) -> float:
        return sum(x * y for x, y in zip(vectors[a], vectors[b]))

    check(likeness(0, 1) > likeness(0, 2), "a boat is more like a tax than like a ship")


def files(session: Session) -> None:
    kept = session.openai.files.create(file=("red.png", RED), purpose="vision")
    check(kept.id in [file.id for file in session.openai.files.list()], "the file is not listed")
    image = {"type": "input_image", "file_id": kept.id, "detail": "auto"}
    text = {"type": "input_text", "text": "What color is the shape?"}
    by_id = session.respond(input=[{"role": "user", "content": [image, text]}]).output_text
    image = {"type": "input_image", "image_url": data_url(RED), "detail": "auto"}
    equal(by_id, session.respond(input=[{"role": "user", "content": [image, text]}]).output_text, "by id and by bytes")
    equal(session.openai.files.content(kept.id).read(), RED, "the bytes")
    check(session.openai.files.delete(kept.id).deleted, "not deleted")


def decisions(session: Session) -> None:
    def post(path: str, body: dict) -> dict:
        reply = session.http.post(path, json={"model": session.model, **body})
        equal(reply.status_code, 200, f"{path} {reply.text}")
        return reply.json()

    question = {"question": "What color is the shape?", "images": [data_url(RED)]}
    choices = ["red", "blue", "green"]
    choice = post("/v1/decisions", {**question, "kind": "choice", "choices": choices})
    check(abs(sum(choice["probabilities"]) - 1) < 1e-9, "probabilities do not add up")
    # Not every policy knows colors.
    equal(choice["choice"], choices[choice["probabilities"].index(max(choice["probabilities"]))], "the choice")
    sure = post("/v1/decisions", {"question": "Is the shape red?", "images": [data_url(RED)], "kind": "yes_no"})
    check(sure["answer"] in ("yes", "no"), f"answer {sure['answer']}")
    ranked = post("/v1/rerank", {"query": "What is a lighthouse?", "documents": ["A tower with a light.", "No."]})
    equal(len(ranked["results"]), 2, "results")


def tokens(session: Session) -> None:
    info = session.http.get("/tokenizer_info").json()
    for text in ["Hello, world!", info["eos_token"], " a  b\n"]:
        ids = session.http.post("/tokenize", json={"prompt": text, "add_special_tokens": False}).json()["tokens"]
        equal(session.http.post("/detokenize", json={"tokens": ids}).json()["prompt"], text, "text after both ways")
    check("{%" in info["chat_template"], "no template")
    dialogue = {"model": session.model, "messages": [{"role": "user", "content": "How is the weather in Rome?"}]}
    function = {"name": "weather", "parameters": PARAMETERS}
    tools = {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}
    prompt = session.http.post("/tokenize", json=dialogue).json()["tokens"]
    for extra in ({}, {"n": 2}, tools):
        token_ids(session, {**dialogue, **extra}, prompt if extra is not tools else None)


def token_ids(session: Session, body: dict, prompt: list[int] | None) -> None:
    """The ids of prompt and answers: the same streamed and whole, and as many as are counted."""
    body = {**body, "seed": 1, "max_tokens": 40, "return_token_ids": True}
    whole = session.http.post("/v1/chat/completions", json=body).json()
    answers = {choice["index"]: choice["token_ids"] for choice in whole["choices"]}
    equal(sum(map(len, answers.values())), whole["usage"]["completion_tokens"], "number of token ids")
    if prompt:
        equal(whole["prompt_token_ids"], prompt, "token ids of the prompt")
    prompts, streamed = [], {index: [] for index in answers}
    for line in session.http.post("/v1/chat/completions", json={**body, "stream": True}).text.splitlines():
        if not line.startswith("data: {"):
            continue
        frame = json.loads(line.removeprefix("data: "))
        prompts += [frame["prompt_token_ids"]] if "prompt_token_ids" in frame else []
        for choice in frame["choices"]:
            streamed[choice["index"]] += choice.get("token_ids", [])
    equal(streamed, answers, "streamed token ids")
    equal(prompts, [whole["prompt_token_ids"]], "streamed token ids of the prompt")


def errors(session: Session) -> None:
    for action, kind in [
        (lambda: session.respond(model="none"), openai.NotFoundError),
        (lambda: session.respond(previous_response_id="resp_1"), openai.BadRequestError),
        (lambda: session.message(max_tokens=0), anthropic.BadRequestError),
        (lambda: session.message([{"type": "document"}]), anthropic.BadRequestError),
    ]:
        try:
            action()
        except kind as error:
            check(bool(error.request_id), "no request id")
        except TypeError:
            # The client checked it itself.
            pass
        else:
            raise AssertionError(f"{kind.__name__} was expected")


SECTIONS = [
    responses, response_stream, messages, message_stream, tools, embeddings, files, decisions, tokens, errors,
]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--model")
    parser.add_argument("--key", default="none")
    parser.add_argument("sections", nargs="*", choices=[[], *[section.__name__ for section in SECTIONS]])
    arguments = parser.parse_args()
    session = Session(arguments.url, arguments.key, arguments.model)
    failures = 0
    for section in SECTIONS:
        if arguments.sections and section.__name__ not in arguments.sections:
            continue
        try:
            section(session)
            print("ok", section.__name__, flush=True)
        except Exception:
            failures += 1
            print("FAILED", section.__name__, flush=True)
            traceback.print_exc()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
