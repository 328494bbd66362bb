"""Drives a running server with the official OpenAI client and checks what an application would rely on.

usage: openai_client.py http://127.0.0.1:8080/v1 [--model NAME] [--key KEY] [SECTION...]

Prints a line for each section and leaves with 1 if any failed. Without SECTION all run: models, chat, stream, image,
completions, errors.
"""

import argparse
import base64
import struct
import sys
import traceback
import zlib

import openai
from openai import OpenAI

GREEDY = {"temperature": 0, "seed": 7}
QUESTION = [{"role": "user", "content": "Say hello in one short sentence."}]


class Session:
    """One client and the model that it asks."""

    def __init__(self, url: str, key: str, model: str | None):
        self.client = OpenAI(base_url=url, api_key=key, max_retries=0, timeout=300)
        self.model = model or self.client.models.list().data[0].id

    def chat(self, messages=QUESTION, **options):
        options = {"max_completion_tokens": 24, **GREEDY, **options}
        return self.client.chat.completions.create(model=self.model, messages=messages, **options)

    def complete(self, prompt, **options):
        options = {"max_tokens": 12, **GREEDY, **options}
        return self.client.completions.create(model=self.model, prompt=prompt, **options)


def check(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def equal(found, expected, what: str) -> None:
    check(found == expected, f"{what}: found {found!r}, expected {expected!r}")


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(colour) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def about(*urls: str) -> list[dict]:
    """A user's message: the pictures, then a question."""
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What colour is this?"}]}]


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def check_usage(usage, most: int) -> None:
    equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens, "total_tokens")
    check(usage.prompt_tokens > 0, "no prompt tokens")
    check(0 < usage.completion_tokens <= most, f"{usage.completion_tokens} completion tokens, at most {most} asked for")
    check(usage.prompt_tokens_details.cached_tokens <= usage.prompt_tokens, "more cached than prompt tokens")


def models(session: Session) -> None:
    listed = session.client.models.list().data
    check(bool(listed), "no models")
    equal(len({model.id for model in listed}), len(listed), "distinct model ids")
    for model in listed:
        equal(model.object, "model", "object")
        equal(session.client.models.retrieve(model.id).id, model.id, "retrieved id")
    refused(openai.NotFoundError, "model_not_found", lambda: session.client.models.retrieve("no-such-model"))


def chat(session: Session) -> None:
    raw = session.client.chat.completions.with_raw_response.create(
        model=session.model, messages=QUESTION, max_completion_tokens=24, extra_headers={"x-request-id": "check-1"},
        **GREEDY)
    equal(raw.headers["x-request-id"], "check-1", "x-request-id")
    answer = raw.parse()
    equal(answer.object, "chat.completion", "object")
    equal(answer.model, session.model, "model")
    check(answer.id.startswith("chatcmpl-"), f"id {answer.id}")
    check(bool(answer.system_fingerprint), "no system_fingerprint")
    [choice] = answer.choices
    equal(choice.message.role, "assistant", "role")
    check(isinstance(choice.message.content, str) and choice.message.content != "", "no content")
    check(choice.finish_reason in ("stop", "length"), f"finish_reason {choice.finish_reason}")
    check_usage(answer.usage, 24)
    equal(session.chat().choices[0].message.content, choice.message.content, "the same request again")

    history = [*QUESTION, choice.message.model_dump(), {"role": "user", "content": "And goodbye."}]
    longer = session.chat(history)
    check(longer.usage.prompt_tokens > answer.usage.prompt_tokens, "history did not lengthen the prompt")

    one = session.chat(max_completion_tokens=1)
    equal((one.choices[0].finish_reason, one.usage.completion_tokens), ("length", 1), "one token")
    two = session.chat(n=2, temperature=1, seed=3)
    equal([c.index for c in two.choices], [0, 1], "choices")
    check_log_probs(session)
    check_stop(session, choice.message.content)


def check_log_probs(session: Session) -> None:
    answer = session.chat(logprobs=True, top_logprobs=3, max_completion_tokens=4)
    entries = answer.choices[0].logprobs.content
    equal(len(entries) <= answer.usage.completion_tokens and len(entries) > 0, True, "log-probabilities for tokens")
    for entry in entries:
        equal(len(entry.top_logprobs), 3, "top_logprobs")
        check(entry.logprob <= 0, f"log-probability {entry.logprob}")
        equal(entry.logprob, entry.top_logprobs[0].logprob, "greedy token is the likeliest")
        check(entry.bytes is not None, "no bytes")


def check_stop(session: Session, text: str) -> None:
    word = text.split()[-1] if len(text.split()) > 1 else text[-1:]
    stopped = session.chat(stop=[word]).choices[0]
    equal(stopped.message.content, text[: text.index(word)], "text before the stop string")
    equal(stopped.finish_reason, "stop", "finish_reason at a stop string")


def stream(session: Session) -> None:
    whole = session.chat()
    frames = list(session.chat(stream=True, stream_options={"include_usage": True}))
    equal(len({frame.id for frame in frames}), 1, "ids in one stream")
    check_frames(frames[:-1], whole.choices[0])
    equal(frames[-1].choices, [], "choices of the usage frame")
    equal(frames[-1].usage.completion_tokens, whole.usage.completion_tokens, "streamed completion_tokens")
    equal(frames[-1].usage.prompt_tokens, whole.usage.prompt_tokens, "streamed prompt_tokens")
    check(all(frame.usage is None for frame in frames[:-1]), "usage before the last frame")

    several = list(session.chat(stream=True, n=2, temperature=1, seed=3))
    roles = [frame.choices[0].index for frame in several if frame.choices[0].delta.role]
    equal(roles, [0, 1], "role frames")
    equal([frame.choices[0].delta.role for frame in several[:2]], ["assistant"] * 2, "first frames")
    together = session.chat(n=2, temperature=1, seed=3)
    for choice in together.choices:
        equal(joined(several, choice.index), choice.message.content, f"streamed choice {choice.index}")

    # The helper raises on finish_reason "length": ask for one word and leave room.
    with session.client.chat.completions.stream(model=session.model, messages=QUESTION, **GREEDY) as events:
        deltas = "".join(event.delta for event in events if event.type == "content.delta")
        equal(events.get_final_completion().choices[0].message.content, deltas, "the helper's text")

    with session.chat(stream=True, max_completion_tokens=512) as abandoned:
        next(iter(abandoned))
    equal(session.chat().choices[0].message.content, whole.choices[0].message.content, "after an abandoned stream")


def check_frames(frames, whole) -> None:
    """Role first, then text that is never empty, then one finish: together the answer that was not streamed."""
    equal(frames[0].choices[0].delta.role, "assistant", "first frame")
    equal([f.choices[0].finish_reason for f in frames if f.choices[0].finish_reason], [whole.finish_reason], "finishes")
    check(frames[-1].choices[0].finish_reason is not None, "frames after the finish")
    check(all(frame.choices[0].delta.content for frame in frames[1:-1]), "an empty delta")
    equal(joined(frames, 0), whole.message.content, "joined deltas")


def joined(frames, index: int) -> str:
    return "".join(f.choices[0].delta.content or "" for f in frames if f.choices and f.choices[0].index == index)


def image(session: Session) -> None:
    blue, red = data_url(png(48, 48, (20, 40, 230))), data_url(png(48, 48, (230, 30, 20)))
    one = session.chat(about(blue))
    image_tokens = one.usage.prompt_tokens_details.image_tokens
    check(0 < image_tokens < one.usage.prompt_tokens, f"image_tokens {image_tokens}")
    equal(session.chat(about(blue, red)).usage.prompt_tokens_details.image_tokens, 2 * image_tokens, "two pictures")
    equal(session.chat().usage.prompt_tokens_details.image_tokens, 0, "image_tokens without a picture")
    frames = list(session.chat(about(blue), stream=True))
    check_frames(frames, one.choices[0])
    low = about(red)
    low[0]["content"][0]["image_url"]["detail"] = "low"
    check(session.chat(low).usage.prompt_tokens_details.image_tokens <= image_tokens, "detail low costs more")


def completions(session: Session) -> None:
    answer = session.complete("The sun is")
    equal(answer.object, "text_completion", "object")
    check(answer.id.startswith("cmpl-"), f"id {answer.id}")
    check(answer.choices[0].text != "", "no text")
    check_usage(answer.usage, 12)
    frames = list(session.complete("The sun is", stream=True))
    equal("".join(frame.choices[0].text for frame in frames), answer.choices[0].text, "joined text")
    equal(frames[-1].choices[0].finish_reason, answer.choices[0].finish_reason, "streamed finish_reason")
    pair = session.complete(["The sun is", "One, two,"])
    equal([choice.index for choice in pair.choices], [0, 1], "choices of two prompts")
    equal(pair.choices[0].text, answer.choices[0].text, "a prompt in company")

    echoed = session.complete("The sun is", echo=True, logprobs=2, max_tokens=2)
    scores = echoed.choices[0].logprobs
    count = echoed.usage.prompt_tokens + echoed.usage.completion_tokens
    lists = (scores.tokens, scores.token_logprobs, scores.top_logprobs, scores.text_offset)
    equal([len(values) for values in lists], [count] * 4, "one entry a token")
    equal((scores.token_logprobs[0], scores.top_logprobs[0]), (None, None), "entries of the first token")
    check(echoed.choices[0].text.startswith("The sun is"), f"echo: {echoed.choices[0].text!r}")


def errors(session: Session) -> None:
    bad, missing = openai.BadRequestError, openai.NotFoundError
    whole = png(48, 48, (20, 40, 230))

    def picture(url: str):
        return lambda: session.chat(about(url))

    def asks(**options):
        return lambda: session.chat(**options)

    refused(bad, "invalid_base64", picture("data:image/png;base64,@@@@"))
    refused(bad, "unsupported_image_format", picture(data_url(b"BM" + bytes(64))))
    # The bytes decide, not the declared type.
    check(picture(data_url(whole, "image/jpeg"))().choices[0].message.content != "", "a PNG declared as JPEG")
    refused(bad, "invalid_image", picture(data_url(whole[: len(whole) // 2])))
    refused(bad, "invalid_image", picture(data_url(whole[:45] + bytes([whole[45] ^ 1]) + whole[46:])))
    refused(bad, "remote_image_not_allowed", picture("http://127.0.0.1:1/a.png"))
    refused(bad, "image_too_large", picture(data_url(png(8193, 1, (0, 0, 0)))))
    refused(bad, "too_many_images", lambda: session.chat(about(*[data_url(whole)] * 17)))
    found = refused(missing, "model_not_found", asks(extra_body={"model": "no-such-model"}))
    equal(found.param, "model", "param")
    refused(bad, "unknown_parameter", asks(extra_body={"no_such_field": 1}))
    refused(bad, "invalid_value", asks(temperature=3))
    refused(bad, "invalid_type", asks(extra_body={"temperature": "warm"}))
    refused(bad, "unsupported_parameter", asks(extra_body={"functions": [{"name": "f"}]}))
    refused(bad, None, lambda: session.chat(messages=[]))
    endless = [{"role": "user", "content": "a b c " * 20_000}]
    long = refused(bad, "context_length_exceeded", lambda: session.chat(endless))
    check("This model's maximum context length is" in long.message, f"message: {long.message}")
    refused(bad, None, lambda: session.complete([10**9]))
    refused(missing, None, lambda: session.client.get("/no-such-route", cast_to=object))
    check(session.chat().choices[0].message.content != "", "the server stopped answering after errors")


def refused(kind: type[openai.APIStatusError], code: str | None, call) -> openai.APIStatusError:
    """Runs `call`, which must raise exactly `kind` with that code and a body that has all of OpenAI's keys."""
    try:
        call()
    except openai.APIStatusError as error:
        what = f"status {error.status_code}, code {error.code}: {error.message}"
        check(type(error) is kind, f"expected {kind.__name__} {code}, found {type(error).__name__}, {what}")
        check(code is None or error.code == code, f"expected code {code}, found {what}")
        equal(set(error.body), {"message", "type", "param", "code"}, "keys of the error")
        check(bool(error.request_id), "no request id")
        return error
    raise AssertionError(f"expected {kind.__name__} {code}, but the request succeeded")


SECTIONS = {f.__name__: f for f in (models, chat, stream, image, completions, errors)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="base URL with /v1")
    parser.add_argument("--model", help="the model to ask; the first that is listed, if absent")
    parser.add_argument("--key", default="none", help="API key")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    arguments = parser.parse_args()
    if unknown := set(arguments.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    session = Session(arguments.url, arguments.key, arguments.model)
    failures = 0
    for name in arguments.sections or SECTIONS:
        try:
            SECTIONS[name](session)
            print(f"ok {name}")
        except Exception as error:
            failures += 1
            at = traceback.extract_tb(error.__traceback__)[1:]
            where = ", ".join(f"{frame.name}:{frame.lineno}" for frame in at if frame.filename == __file__)
            print(f"FAILED {name} ({where}): {type(error).__name__}: {error}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
