"""Writes what jinja2 renders, in the environment that transformers gives to chat templates.

`SNIPPETS` are short templates, one construct each; `chat_templates/NAME.jinja` beside the fixture have the constructs of
published families in words of their own, and are rendered for every dialogue.

Usage: python3 Tests/Fixtures/make_jinja.py    (versions: requirements.txt)
"""

import datetime
import json
import os
import time
import types
from importlib.metadata import version

import jinja2
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
from transformers.utils import chat_template_utils

from common import destination, write_json

VARIABLES = {
    "n": 7, "m": -3, "f": 2.5, "big": 1e22, "small": 1.5e-7, "yes": True, "no": False, "nothing": None, "empty": "",
    "s": "  Hello, Wörld!\n", "name": "alice o'NEIL-smith", "path": "a/b//c", "quote": "it's \"q\" \\ \t\x01\u200b",
    "words": ["pear", "Apple", "fig", "apple"], "numbers": [3, 1, 2, 3], "nested": [[1, 2], [3, [4]]],
    "d": {"b": 1, "a": 2, "C": 3}, "items_like": {"items": 5, "get": 6, "x": {"y": {"z": [10, 20]}}},
    "people": [{"name": "Bo", "age": 3, "in": True}, {"name": "al", "age": 1}, {"name": "Cy", "age": 2, "in": True}],
    "unicode": "ÀÉ ß ﬁ ǆ ΑΣ Σ İ 中\U0001f600\u2028x", "json": {"k": "<é\x7f>&'\U0001f600", "l": [1, 2.0, None, True, {}, []]},
}  # fmt: skip

SNIPPETS = r"""
{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}
{{ 1.0 }} {{ 1e3 }} {{ 1.5e-7 }} {{ 1e16 }} {{ 123456789.123 }} {{ 0.1 + 0.2 }} {{ 1e22 }} {{ big }} {{ small }} {{ 100000.0 * 10 }} {{ 1_000 }}
{{ "a" ~ 1 ~ none ~ true ~ 1.5 ~ [1, "x"] }} {{ "a" "b" 'c' }} {{ "ab" * 3 }} {{ 2 * [1, 2] }} {{ [1] + [2] }} {{ (1,) + (2,) }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ "a" < "b" }} {{ 1 == 1.0 }} {{ true == 1 }} {{ [1, 2] < [1, 3] }} {{ "1" == 1 }} {{ none == none }} {{ 3 != 4 >= 4 }}
{{ "ell" in s }} {{ "x" not in d }} {{ "a" in d }} {{ 3 in numbers }} {{ [3, [4]] in nested }} {{ not 1 in [1] }} {{ "" in "" }}
{{ yes and no or "z" }} {{ 0 or "" or none }} {{ not not n }} {{ "a" and "b" }} {{ nothing or "d" }} {{ not yes == no }}
{{ "y" if yes else "n" }} {{ "y" if no }}|{{ ("y" if no) is defined }} {{ 1 if no else 2 if no else 3 }}
{{ s[2] }} {{ s[-1] }}|{{ s[2:5] }} {{ s[::-1] }} {{ s[:-2] }} {{ s[5:2] }} {{ s[9:0:-3] }} {{ words[1:] }} {{ words[::-1][0] }} {{ numbers[:100] }} {{ s[99] }}
{{ d.b }} {{ d["a"] }} {{ d.missing }} {{ d["missing"] is defined }} {{ items_like.x.y.z[1] }} {{ items_like["items"] }} {{ d.get("q", 9) }} {{ d.get("q") }} {{ items_like.x.y.z.0 }}
{{ items_like.items is defined }} {{ d.items is callable }} {{ d["items"] is callable }} {{ d.pop is defined }} {{ words.append is defined }}
{% for k, v in d.items() %}{{ k }}={{ v }}{{ ", " if not loop.last }}{% endfor %} {{ d.keys() | list }} {{ d.values() | list }}
{% for x in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}
{% for x in numbers if x > 1 %}{{ x }}/{{ loop.length }} {% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}{% for x in missing %}{% else %}undefined{% endfor %}
{% for x in numbers %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}{% for x in "ab" %}{{ loop.cycle("odd", "even") }}{{ loop.depth }}{% for y in "c" %}{{ loop.depth0 }}{% endfor %}{% endfor %}
{% for x in numbers %}{% if loop.changed(x > 1) %}c{% endif %}{{ x }}{% endfor %}
{% for a, (b, c) in [[1, [2, 3]], (4, (5, 6))] %}{{ a }}{{ b }}{{ c }} {% endfor %}{% for x in 1, 2, 3 %}{{ x }}{% endfor %}
{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %} {{ range(3) | list }} {{ range(5, 0, -2) | list }} {{ range(0) | list }}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }} {% if true %}{% set x = 9 %}{% endif %}{{ x }}
{% set ns = namespace(count=0, found=false) %}{% for i in numbers %}{% set ns.count = ns.count + i %}{% if i == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.count }}{{ ns.found }}{{ ns.other is defined }}
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set t = (1, "x") %}{{ t }} {% set one = (1,) %}{{ one }} {% set block %} in {{ a }} {% endset %}[{{ block }}] {% set up | upper %}x{{ b }}y{% endset %}{{ up }}
{% macro f(a, b=2, c="x" ~ 1) %}({{ a }},{{ b }},{{ c }}){% endmacro %}{{ f(1) }}{{ f(1, c=3) }}{{ f(b=5, a=4) }}{{ f() }} {{ f("q") | length }} {{ f is callable }}
{% macro tree(x) %}{% if x is iterable and x is not string %}[{% for y in x %}{{ tree(y) }}{% if not loop.last %},{% endif %}{% endfor %}]{% else %}{{ x }}{% endif %}{% endmacro %}{{ tree(nested) }}
{% macro outer() %}{{ later }}{{ inner(1) }}{% endmacro %}{% macro inner(x) %}<{{ x }}>{% endmacro %}{% set later = "L" %}{{ outer() }}
{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a is defined }} {% filter upper | replace("A", "b") %}a{{ n }}c{% endfilter %} {% generation %}gen{% set q = 1 %}{% endgeneration %}{{ q is defined }}
a{#- comment -#} b {# x #}
{% raw %}{{ not }} {% this %}{% endraw %} {%- raw -%} x {{ {%- endraw %} y
    {% if true %}¶  indented¶    {% endif %}¶tail¶
x   {%- if true -%}   y   {%- endif -%}   z  {{- 1 -}}  w  {%+ if true +%}¶ plus {%+ endif %}
{{ s | trim }}|{{ s.strip() }}|{{ s | upper }}|{{ s | lower }}|{{ name | title }}|{{ name.title() }}|{{ name | capitalize }}|{{ name.capitalize() }}
{{ "xxaxx".strip("x") }} {{ "xxaxx".lstrip("x") }} {{ "xxaxx".rstrip("x") }} {{ "xyaxy" | trim("xy") }}|{{ path.split("/") }} {{ path.split("/", 1) }} {{ path.rsplit("/", 1) }} {{ s.split() }} {{ "a b c".split(none, 1) }}
{{ "a.b".split(".")[-1] }} {{ s.startswith("  H") }} {{ s.endswith(("x", "\n")) }} {{ s.replace("l", "L") }} {{ s.replace("l", "L", 1) }} {{ "abc".replace("", "-") }} {{ "abc" | replace("b", "xx") }} {{ s.find("lo") }} {{ s.rfind("l") }} {{ s.find("zz") }} {{ s.count("l") }}
{{ "a\nb\r\nc\n".splitlines() }} {{ "abc".isalpha() }} {{ "12".isdigit() }} {{ "a1".isalnum() }} {{ " ".isspace() }} {{ "Ab".isupper() }} {{ "ab1".islower() }} {{ "-".join(words) }} {{ "a=b=c".partition("=") }} {{ "a=b=c".rpartition("=") }} {{ "a".partition("z") }}
{{ "pre_x".removeprefix("pre_") }} {{ "x.py".removesuffix(".py") }} {{ "x".removesuffix("") }} {{ "x".removeprefix("y") }}
{{ unicode | upper }} {{ unicode | lower }} {{ unicode | title }} {{ unicode.title() }} {{ unicode.capitalize() }} {{ unicode | length }} {{ unicode[::-1] }}
{{ words | join(", ") }} {{ people | join("+", attribute="name") }} {{ words | first }} {{ words | last }} {{ words | sort }} {{ words | sort(reverse=true, case_sensitive=true) }} {{ people | sort(attribute="age") | map(attribute="name") | list }}
{{ words | unique | list }} {{ words | unique(case_sensitive=true) | list }} {{ numbers | unique | list }} {{ words | reverse | list }} {{ "abc" | reverse }} {{ numbers | sum }} {{ people | sum(attribute="age") }} {{ numbers | min }} {{ words | max }} {{ [] | max is defined }}
{{ people | selectattr("in") | map(attribute="name") | join }} {{ people | selectattr("age", "equalto", 1) | list | length }} {{ people | rejectattr("in", "defined") | map(attribute="name") | list }} {{ numbers | select("odd") | list }} {{ numbers | reject("in", [3]) | list }} {{ words | map("upper") | list }} {{ words | map("replace", "p", "q") | join("/") }} {{ people | map(attribute="in", default="-") | list }}
{{ d | dictsort }} {{ d | dictsort(true) }} {{ d | dictsort(by="value", reverse=true) }} {{ d | items | list }} {{ d | list }} {{ d | length }} {{ d | first }} {{ missing | items | list }}
{{ json | tojson }} {{ json | tojson(indent=2) }} {{ json | tojson(ensure_ascii=true, separators=(",", ":")) }} {{ d | tojson(sort_keys=true) }} {{ [] | tojson(indent=4) }} {{ quote | tojson }} {{ (1, 2) | tojson }} {{ json | tojson(indent="\t") }}
{{ json }} {{ [quote, none, 1.0] }} {{ ("a",) }} {{ {"a": (1, 2), 1: "x", true: []} }} {{ unicode.split() }}
{{ missing | default("d") }} {{ empty | default("d") }} {{ empty | default("d", true) }} {{ nothing | d("x", boolean=true) }} {{ missing }}|{{ missing | length }} {{ missing | trim }}|{{ missing | list }} {{ missing == other }} {{ missing | string }}
{{ "42" | int }} {{ "4.9" | int }} {{ "x" | int(-1) }} {{ 3.9 | int }} {{ "2.5" | float }} {{ "x" | float }} {{ 7 | float }} {{ -3 | abs }} {{ 2.567 | round(1) }} {{ 2.5 | round }} {{ 2.1 | round(method="ceil") | int }} {{ 42 | round }} {{ 5 | string ~ "x" }} {{ " 8 " | int }} {{ true | int }}
{{ s | indent }} {{ "a\nb\n\nc" | indent(2) }} {{ "a\nb\n\nc" | indent(2, true, true) }} {{ "a\nb" | indent(width="> ", first=true) }}
{{ "<&>\"'" | e }} {{ "<b>" | escape }} {{ "<b>" | safe }} {{ ("<b>" | safe) ~ "<c>" }} {{ ("<b>" | safe) + "<c>" }} {{ "<a>" + ("<b>" | safe) }} {{ "<b>" | escape | string }} {{ "<b>" | e | e }}
{{ numbers | batch(3) | list }} {{ numbers | batch(3, "x") | list }} {{ d | attr("b") is defined }} {{ d | count }} {{ 10 is divisibleby 5 }} {{ 10 is divisibleby(3) }}
{{ n is odd }} {{ n is even }} {{ n is number }} {{ yes is number }} {{ yes is boolean }} {{ yes is integer }} {{ f is float }} {{ n is integer }} {{ s is string }} {{ d is mapping }} {{ d is iterable }} {{ d is sequence }} {{ n is iterable }} {{ missing is iterable }} {{ missing is sequence }} {{ nothing is none }} {{ yes is true }} {{ n is true }} {{ no is false }} {{ missing is undefined }} {{ s is not none }}
{{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 2 is gt 1 }} {{ 2 is in [1, 2] }} {{ "a" is lower }} {{ "A" is upper }} {{ none is sameas none }} {{ 2 is lt 3 and 3 is ge 3 }} {{ n is defined and n is not string }}
{{ "\n\t\\\x41\u00e9\U0001F600\101\q" }}{{ 'it''s' }}{{ "a\¶b" }}
{{ dict(a=1, b=2) }} {{ dict({"x": 1}, y=2) }} {{ dict([["p", 1]]) }} {{ {} | length }} {{ dict() }} {{ [] or {} or () or "all false" }}
{{ strftime_now("%d %b %Y %H:%M:%S %A %j %y %B %%") }} {{ strftime_now("") }}
{{ raise_exception("No: " ~ n) }}
{{ raise_exception(none) }}
{{ missing.attribute }}
{{ missing + 1 }}
{{ missing() }}
{{ 1 + "a" }}
{{ [] < 1 }}
{{ 1 // 0 }}
{{ 1 in "1" }}
{{ n | items | list }}
{{ d.a.b.c }}
{{ d.b() }}
{{ {[]: 1} }}
{% for a, b in [[1]] %}{% endfor %}
{% set d.x = 1 %}
{% for x in 5 %}{% endfor %}
{{ missing | tojson }}
{{ namespace(_x=1) }}
{{ range(100001) | length }}
{{ "x".split("") }}
{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{% endmacro %}{{ f(b=2) }}
{{ words | map(attribute="x.y") | list }}
{{ (1, 2, 3)[1] }} {{ [1, 2, 3,] }} {{ {"a": 1,} }} {{ f | round | int }} {{ -n | abs }} {{ +n }} {{ n if n > 5 and f < 3 else "no" }} {{ ((1)) }} {{ () }}
{{ {"a": {"b": "}}"}}["a"]["b"] }} {{ "%}" }} {{ '{{ x }}' }}
{% if d and "a" in d and d.a is not none %}deep{% elif n %}b{% else %}c{% endif %}{% if no %}a{% elif no %}b{% else %}c{% endif %}
{%- for p in people -%} {{ p.name }}{% if p["in"] is defined and p["in"] %}+{% endif %} {%- endfor -%}
{{ nothing.x is defined }} {{ s.nope is defined }} {{ d["a"].x is defined }} {{ words["x"] is defined }} {{ s["strip"] is callable }} {{ words[9] is defined }} {{ words[-4] }}
{{ [1, 2].index(2) }} {{ [1, 1, 2].count(1) }} {{ (1, 2).index(1) }} {{ d.copy() }} {{ loop is defined }} {{ self_made is defined }}
a¶¶{% if no %}¶b¶{% endif %}¶¶c {# d #}¶e {{ 1 }}¶{{ 2 }}¶¶
{% for x in [1] %}¶  {% set y = x %}  ¶  {{ y }}¶   {# c #}   ¶{% endfor %}¶
""".strip("\n").split("\n")  # fmt: skip
# One a line; "¶" stands for a line end inside.
SNIPPETS = [snippet.replace("¶", "\n") for snippet in SNIPPETS]

NOW = datetime.datetime(2025, 7, 26, 9, 5, 3)


def text(role: str, content: str, **more: object) -> dict:
    """A turn whose content is a string."""
    return {"role": role, "content": content} | more


def parts(role: str, *content: str | None) -> dict:
    """A turn whose content is a list; None is an image."""
    return {"role": role, "content": [{"type": "image"} if c is None else {"type": "text", "text": c} for c in content]}


PROPERTIES = {"place": {"type": "string", "description": "A \"city\" & <region>."}, "days": {"type": "integer", "default": 1}}
FUNCTION = {
    "name": "weather",
    "description": "The weather at a place.",
    "parameters": {"type": "object", "properties": PROPERTIES, "required": ["place"]},
}
TOOLS = [{"type": "function", "function": FUNCTION}]
CALL = {"id": "call12345", "type": "function", "function": {"name": "weather", "arguments": {"place": "Köln", "days": 2}}}
DOCUMENTS = [{"doc_id": 1, "title": "One", "text": "First."}, {"doc_id": 2, "title": "Two", "text": "Second\nline."}]
DIALOGUES = {
    "user": {"messages": [text("user", "Hi there")]},
    "system": {"messages": [text("system", " Be brief. "), text("user", "Hi\n")], "add_generation_prompt": False},
    "turns": {"messages": [
        text("system", "Sys"), text("user", "1"), text("assistant", "<think>\nhm\n</think>\n\nTwo "), text("user", "3 <|im_end|>"),
    ]},
    "answered": {"messages": [text("user", "Hi"), text("assistant", "Hello!")], "add_generation_prompt": False},
    "images": {"messages": [parts("user", None, None, "Which?"), parts("assistant", "The second."), parts("user", "And ", None, "?")]},
    "parts": {"messages": [parts("system", "Sys"), parts("user", "One.", " Two.")]},
    "tools": {"messages": [text("user", "Weather?")], "tools": TOOLS},
    "calls": {"messages": [
        text("system", "Sys"), text("user", "Weather?"), text("assistant", "", tool_calls=[CALL]),
        text("tool", "{\"t\": 20}", name="weather", tool_call_id="call12345"), text("assistant", "It is 20."), text("user", "Thanks"),
    ], "tools": TOOLS},
    "thinking": {"messages": [text("user", "Hi"), text("assistant", "Yo", reasoning_content="I think."), text("user", "More")], "enable_thinking": False},
    "documents": {"messages": [text("user", "Find it")], "documents": DOCUMENTS},
    "same role": {"messages": [text("user", "a"), text("user", "b")]},
    "assistant first": {"messages": [text("assistant", "a"), text("user", "b")]},
}  # fmt: skip
TOKENS = {"bos_token": "<|begin|>", "eos_token": "<|end|>"}


class Clock(datetime.datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return NOW


def rendered(template: str, variables: dict) -> dict:
    """The text of a template, the message that it raised, or that it failed."""
    try:
        return {"text": chat_template_utils._compile_jinja_template(template).render(**variables)}
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return {"raised": str(error)} if type(error) is jinja2.TemplateError else {"fails": True}


def layouts() -> list[dict]:
    """What the processor of Idefics3 and SmolVLM writes for an image that is cut into a grid, or not cut (0 × 0)."""
    processor = types.SimpleNamespace(
        fake_image_token="<fake_token_around_image>",
        global_image_tag="<global-img>",
        image_token="<image>",
    )
    result = []
    for rows, columns, tokens in ((0, 0, 3), (1, 2, 2), (2, 1, 1), (3, 4, 2)):
        processor.image_seq_len = tokens
        grid = {"rows": [[rows]], "cols": [[columns]]}
        written = Idefics3Processor.replace_image_token(processor, grid, 0)
        result.append({"rows": rows, "columns": columns, "tokens": tokens, "text": written})
    return result


def main() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()
    chat_template_utils.datetime = Clock
    snippets = [{"template": s} | rendered(s, VARIABLES) for s in SNIPPETS]
    defaults = {"tools": None, "documents": None, "add_generation_prompt": True} | TOKENS
    templates = {}
    for path in sorted(destination("Tokenizers", "chat_templates").glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        templates[path.stem] = {n: rendered(source, defaults | json.loads(json.dumps(d))) for n, d in DIALOGUES.items()}
    content = {
        "now": int(NOW.replace(tzinfo=datetime.timezone.utc).timestamp()),
        "variables": VARIABLES,
        "snippets": snippets,
        "defaults": defaults,
        "dialogues": DIALOGUES,
        "templates": templates,
        "layouts": layouts(),
    }
    write_json("Tokenizers", "jinja.json", {"jinja2": version("jinja2")} | content)


if __name__ == "__main__":
    main()
