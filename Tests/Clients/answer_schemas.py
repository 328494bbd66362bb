"""The schemas that schema_answers.py asks for: its own, and those of a test suite."""

import json
import pathlib

STRING = {"type": "string"}
SHORT = {"type": "string", "maxLength": 24}


def record(required=None, **properties) -> dict:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


# A model of this size never leaves some recursions: these end by their depth, "comment" below by itself.
def tree(depth: int) -> dict:
    value = {"type": "integer", "minimum": -9, "maximum": 9}
    if depth == 0:
        return record(value=value)
    return record(value=value, children={"type": "array", "items": tree(depth - 1), "maxItems": 2})


def chain(depth: int) -> dict:
    tail = {"anyOf": [chain(depth - 1), {"type": "null"}]} if depth else {"type": "null"}
    return record(head={"enum": [1, "two", None, True]}, tail=tail)


def condition(depth: int) -> dict:
    return record(
        field={"enum": ["age", "name", "size"]},
        operator={"enum": ["<", "=", ">"]},
        value={"type": ["integer", "boolean", "null"], "minimum": 0, "maximum": 1000},
        otherwise={"anyOf": [condition(depth - 1), {"type": "boolean"}]} if depth else {"type": "boolean"},
        required=["field", "operator", "value"],
    )


# After the definitions of public APIs, and one for each thing that is hard to enforce.
SCHEMAS = {
    "issue": record(
        number={"type": "integer", "minimum": 1},
        state={"enum": ["open", "closed"]},
        title={"type": "string", "minLength": 1, "maxLength": 60},
        labels={
            "type": "array",
            "maxItems": 3,
            "items": record(name=SHORT, color={"type": "string", "pattern": "^[0-9a-f]{6}$"}),
        },
        assignee={"anyOf": [record(login={"type": "string", "pattern": "^[a-z][a-z0-9-]{0,12}$"}), {"type": "null"}]},
        created_at={"type": "string", "format": "date-time"},
    ),
    "charge": record(
        id={"type": "string", "pattern": "^ch_[A-Za-z0-9]{8}$"},
        amount={"type": "integer", "minimum": 0, "maximum": 99999999},
        currency={"enum": ["usd", "eur", "jpy"]},
        paid={"type": "boolean"},
        refunds={"type": "array", "items": {"type": "integer", "exclusiveMinimum": 0}, "maxItems": 2},
        metadata={"type": "object", "additionalProperties": {"type": "string", "maxLength": 8}},
    ),
    "point": record(
        type={"const": "Point"},
        coordinates={
            "type": "array",
            "prefixItems": [
                {"type": "number", "minimum": -180, "maximum": 180},
                {"type": "number", "minimum": -90, "maximum": 90},
            ],
            "items": False,
            "minItems": 2,
        },
    ),
    "event": {
        "oneOf": [
            record(type={"const": "push"}, commits={"type": "array", "items": SHORT, "maxItems": 3}),
            record(type={"const": "fork"}, count={"type": "integer", "multipleOf": 5, "minimum": 0, "maximum": 500}),
            record(type={"const": "ping"}, zen=SHORT),
        ]
    },
    "tree": tree(3),
    "list": chain(5),
    "union": {"type": ["integer", "string", "null"], "maxLength": 12, "minimum": -1000, "maximum": 1000},
    "person": record(
        name={"type": "string", "minLength": 2, "maxLength": 20},
        age={"type": "integer", "minimum": 0, "maximum": 130},
        email={"type": "string", "format": "email"},
        id={"type": "string", "format": "uuid"},
        born={"type": "string", "format": "date"},
        height={"type": "number", "exclusiveMinimum": 0.3, "maximum": 2.6},
        required=["name", "age"],
    ),
    "merged": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 5, "maximum": 50}, "b": {"type": "boolean"}}, "required": ["b"]},
        ]
    },
    "words": {
        "type": "array",
        "items": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 8},
        "minItems": 3,
        "maxItems": 5,
    },
    "flags": {
        "type": "object",
        "properties": {f"flag_{i}": {"type": "boolean"} for i in range(40)},
        "required": [f"flag_{i}" for i in range(0, 40, 8)],
    },
    "pod": record(
        apiVersion={"const": "v1"},
        kind={"const": "Pod"},
        metadata=record(
            name={"type": "string", "pattern": "^[a-z]([-a-z0-9]{0,10}[a-z0-9])?$"},
            labels={"type": "object", "additionalProperties": SHORT},
            required=["name"],
        ),
        spec=record(
            containers={
                "type": "array",
                "minItems": 1,
                "maxItems": 2,
                "items": record(
                    name=SHORT,
                    image={"type": "string", "pattern": "^[a-z]{2,8}(:[0-9]\\.[0-9]{1,2})?$"},
                    ports={
                        "type": "array",
                        "items": record(containerPort={"type": "integer", "minimum": 1, "maximum": 65535}),
                        "maxItems": 2,
                    },
                    required=["name", "image"],
                ),
            },
            restartPolicy={"enum": ["Always", "OnFailure", "Never"]},
        ),
    ),
    "invoice": record(
        number={"type": "string", "pattern": "^INV-20[0-9]{2}-[0-9]{4}$"},
        customer=record(name=SHORT, address=record(street=SHORT, city=SHORT, country={"enum": ["DE", "FR", "US"]})),
        lines={
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "items": record(
                text=SHORT,
                quantity={"type": "integer", "minimum": 1, "maximum": 99},
                price={"type": "number", "exclusiveMinimum": 0, "maximum": 9999},
            ),
        },
        due={"type": "string", "format": "date"},
    ),
    "filter": condition(4),
    "shape": {
        "anyOf": [
            record(circle=record(radius={"type": "number", "minimum": 0.5, "maximum": 10})),
            record(box={"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 4, "maxItems": 4}),
            {"const": {"empty": True}},
        ]
    },
    "release": record(
        version={"type": "string", "pattern": "^(0|[1-9][0-9]?)\\.(0|[1-9][0-9]?)\\.(0|[1-9][0-9]?)(-rc[1-9])?$"},
        channel={"enum": ["stable", "beta"]},
        size={"type": "integer", "multipleOf": 512, "minimum": 512, "maximum": 1048576},
        digest={"type": "string", "pattern": "^sha256:[0-9a-f]{16}$"},
        hosts={"type": "array", "items": {"type": "string", "format": "ipv4"}, "minItems": 1, "maxItems": 2},
        notes={"type": ["string", "null"], "maxLength": 60},
    ),
    "comment": {
        "$defs": {
            "comment": record(
                author={"type": "string", "pattern": "^@[a-z]{2,10}$"},
                text={"type": "string", "minLength": 1, "maxLength": 80},
                replies={"type": "array", "items": {"$ref": "#/$defs/comment"}, "maxItems": 2},
                required=["author", "text"],
            )
        },
        "$ref": "#/$defs/comment",
    },
    "temperatures": {
        "type": "array",
        "items": {"type": "number", "minimum": -40, "exclusiveMaximum": 60},
        "minItems": 2,
        "maxItems": 6,
    },
}


def suite_schemas(folder: str | None) -> dict:
    schemas = {}
    for path in sorted(pathlib.Path(folder).rglob("*.json")) if folder else []:
        for index, group in enumerate(json.loads(path.read_text())):
            try:
                json.dumps(group["schema"], ensure_ascii=False).encode()
            except UnicodeEncodeError:
                continue
            schemas[f"{path.stem} {index}"] = group["schema"]
    return schemas
