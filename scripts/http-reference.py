#!/usr/bin/env python3
"""Writes docs/http-reference.md from the description that a server gives of itself.

curl -s http://127.0.0.1:8080/openapi.json | scripts/http-reference.py > docs/http-reference.md
"""

import json
import sys

HEAD = """# HTTP reference

Every route with its fields, made from `/openapi.json` by `scripts/http-reference.py`; a test compares the two.
[api.md](api.md) says what the fields mean, and has an example for each route.

- A field that is not required may also be `null`, which means absent. An unknown field is a 400
  unless it is `null`.
- `a.b` is the field `b` of the object `a`, `a[].b` a field of each element of the array `a`, and `a.*` a field whose
  name is the caller's own. A field within another is required if the outer one is there. Where an array or a field
  takes objects of several kinds, it is required if all of them must have it.
- Where no default is listed, the policy's or the server's applies, or nothing: [api.md](api.md) says which.

## Errors

| status | when |
|---|---|
"""


def alternatives(schema: dict) -> list[dict]:
    """The schemas that a value may have, without null."""
    found = [part for one in schema.get("anyOf", [schema]) for part in ([one] if one is schema else alternatives(one))]
    return [part for part in found if part.get("type") != "null"]


def words(schema: dict) -> str:
    """The type of a value, as a reader says it."""
    kinds: list[str] = []
    for part in alternatives(schema):
        if "enum" in part:
            kind = " or ".join(f"`{json.dumps(value, ensure_ascii=False)}`" for value in part["enum"])
        elif part.get("type") == "array":
            kind = f"array of {words(part['items'])}" if part.get("items") else "array"
        else:
            kind = "bytes" if part.get("format") == "binary" else part.get("type", "any")
        if kind not in kinds:
            kinds.append(kind)
    return " or ".join(kinds) or "any"


def limits(schema: dict) -> str:
    """The bounds of numbers, and of the numbers of elements."""
    found = []
    for part in alternatives(schema):
        unit = " elements" if part.get("type") == "array" else ""
        least, most = (part.get(name + ("Items" if unit else "imum")) for name in ("min", "max"))
        above = part.get("exclusiveMinimum")
        lower = f"above {above:,.15g}" if above is not None else f"from {least:,.15g}" if least is not None else ""
        upper = f"to {most:,.15g}" if most is not None else ""
        if lower or upper:
            found.append(f"{lower} {upper}".strip() + unit)
    return "; ".join(found)


def rows(schema: dict, path: str = "", required: bool = False):
    """The fields of a schema from the outside in: path, schema, and whether it is required."""
    if path:
        yield path, schema, required
    for part in alternatives(schema):
        if part.get("type") == "array":
            for inner in alternatives(part.get("items", {})):
                yield from list(rows(inner, path + "[]"))[1 if path else 0 :]
        for name, value in part.get("properties", {}).items():
            yield from rows(value, f"{path}.{name}" if path else name, name in part.get("required", []))
        values = part.get("additionalProperties")
        if isinstance(values, dict):
            yield from rows(values, path + ".*")


def fields(schema: dict) -> str:
    """The table of a body's fields."""
    lines = ["| field | type | required | default | limits |", "|---|---|---|---|---|"]
    for path, field, required in rows(schema):
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        cells = [f"`{path}`", words(field), "yes" if required else "", default, limits(field)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def answers(responses: dict) -> str:
    """The table of what a route answers, and the line of its errors."""
    lines = ["| status | media type | content |", "|---|---|---|"]
    errors = []
    for status, response in sorted(responses.items()):
        if status >= "400":
            errors.append(status)
            continue
        for kind, content in response["content"].items():
            # What is deeper is in an example on the other page.
            names = [f"`{path}`" for path, _, _ in rows(content["schema"]) if path.count(".") < 2]
            names = names or [f"`{name}`" for name in content["schema"].get("required", [])]
            shown = ", ".join(names) or ("events" if kind == "text/event-stream" else words(content["schema"]))
            lines.append(f"| {status} | `{kind}` | {shown} |")
    return "\n".join(lines) + f"\n\nErrors: {', '.join(errors)}."


def key(operation: dict) -> str:
    """Which key a route needs."""
    if "security" not in operation:
        return "No key."
    return "A key where the server has a key file." if {} in operation["security"] else "Always a key."


def page(document: dict) -> str:
    reasons: dict[str, str] = {}
    sections = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if status >= "400":
                    reasons[status] = response["description"]
            section = [f"## {method.upper()} {path}", f"{operation['summary']}. {key(operation)}"]
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                section += [f"Body, `{kind}`:", fields(content["schema"])]
            sections.append("\n\n".join([*section, answers(operation["responses"])]))
    errors = "\n".join(f"| {status} | {reason} |" for status, reason in sorted(reasons.items()))
    return HEAD + errors + "\n\n" + "\n\n".join(sections) + "\n"


if __name__ == "__main__":
    print(page(json.load(sys.stdin)), end="")
