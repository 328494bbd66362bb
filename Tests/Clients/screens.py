"""Asks a running server about pages that Chromium draws and charts that Matplotlib draws.

    pip install matplotlib
    python3 Tests/Clients/screens.py --fonts ~/.cache/apus/fonts --count 5 --url http://127.0.0.1:8080

The fonts are families that training never sees. An answer is right if it has the expected text, whatever its case, and
none of the other texts that the same kind of question may have on this page.
"""

import argparse
import json
import pathlib
import random
import re
import subprocess
import tempfile
import urllib.request
import uuid

FONTS = {"Roboto": "Roboto-Regular.ttf", "Inter": "Inter-Regular.otf", "Lato": "Lato-Regular.ttf"}
GOODS = ["Oak table", "Desk lamp", "Garden chair", "Coffee mug", "Wool blanket", "Steel kettle", "Paper clips"]
PEOPLE = ["Martha Jenkins", "Omar Said", "Lucy Chen", "Peter Novak", "Anna Keller", "David Moore", "Ines Costa"]
STREETS = ["42 Harbor Street", "7 Mill Lane", "118 Garden Road", "25 Station Avenue", "3 River Walk"]
ERRORS = [
    ("Save file", "The disk is full. Delete some files and try again."),
    ("Network", "The connection was lost. Check the cable."),
    ("Sign in", "The password is wrong. Try again in five minutes."),
    ("Printer", "There is no paper in tray 2."),
    ("Update", "The update could not be installed."),
]
BUTTONS = ["Retry", "Cancel", "Ignore", "Close", "Details", "Continue"]
CITIES = ["Oslo", "Madrid", "Nairobi", "Lima", "Toronto", "Dublin", "Athens"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July"]


def page(font: str, body: str, width: int) -> str:
    return (
        f"<html><style>@font-face{{font-family:f;src:url({font})}}"
        f"body{{font-family:f;margin:20px;width:{width}px;background:#fff;color:#111}}"
        "td,th{padding:5px 12px;text-align:left}</style>"
        f"<body>{body}</body></html>"
    )


def dialog(draw: random.Random):
    title, message = draw.choice(ERRORS)
    code, buttons = draw.randint(100, 999), draw.sample(BUTTONS, 2)
    body = (
        f'<div style="border:1px solid #99a"><div style="background:#2c5aa0;color:#fff;padding:8px;font-size:16px">'
        f'{title}</div><div style="padding:16px;font-size:{draw.choice([15, 16, 18])}px">{message}<br><br>'
        f"Error code: {code}<br><br>" + " ".join(f"<button>{b}</button>" for b in buttons) + "</div></div>"
    )
    return (
        body,
        400,
        [
            ("What does the message say?", message, []),
            ("What is the error code?", str(code), []),
            ("What is the title of the window?", title, []),
        ],
    )


def invoice(draw: random.Random):
    person, street, number = draw.choice(PEOPLE), draw.choice(STREETS), draw.randint(1000, 9999)
    goods = draw.sample(GOODS, 3)
    prices = [f"${draw.randint(3, 240)}.{draw.randint(0, 99):02d}" for _ in goods]
    total = f"${sum(float(p[1:]) for p in prices):.2f}"
    rows = "".join(f"<tr><td>{g}</td><td>{p}</td></tr>" for g, p in zip(goods, prices))
    body = (
        f"<h2>Invoice {number}</h2><p>Bill to: {person}<br>{street}</p>"
        f'<table border=1 style="border-collapse:collapse"><tr><th>Item</th><th>Price</th></tr>{rows}</table>'
        f"<p><b>Total due: {total}</b></p>"
    )
    item = draw.randrange(3)
    return (
        body,
        460,
        [
            ("What is the total?", total, []),
            (f"What is the price of {goods[item].lower()}?", prices[item], prices[:item] + prices[item + 1 :]),
            ("What is the invoice number?", str(number), []),
        ],
    )


def table(draw: random.Random):
    cities = draw.sample(CITIES, 4)
    columns = ["High", "Low"]
    values = [draw.sample(range(10, 99), 8)[i : i + 2] for i in (0, 2, 4, 6)]
    rows = "".join(f"<tr><td>{c}</td><td>{a}</td><td>{b}</td></tr>" for c, (a, b) in zip(cities, values))
    body = f"<h2>Weather</h2><table border=1 style='border-collapse:collapse'><tr><th>City</th><th>High</th><th>Low</th></tr>{rows}</table>"
    row, column = draw.randrange(4), draw.randrange(2)
    return (
        body,
        380,
        [
            (f"What is {columns[column]} for {cities[row]}?", str(values[row][column]), []),
            ("What is the heading?", "Weather", []),
            (f"What does the line of {cities[row]} say?", f"{values[row][0]}", []),
        ],
    )


def form(draw: random.Random):
    person, street, city = draw.choice(PEOPLE), draw.choice(STREETS), draw.choice(CITIES)
    phone = f"{draw.randint(100, 999)}-{draw.randint(1000, 9999)}"
    fields = [("Name", person), ("Street", street), ("City", city), ("Phone", phone)]
    body = (
        "<h3>Your account</h3><table>"
        + "".join(f"<tr><td>{n}:</td><td>{v}</td></tr>" for n, v in fields)
        + "</table><button>Save</button>"
    )
    asked = draw.sample(fields, 3)
    return body, 380, [(f"What is the {n.lower()}?", v, []) for n, v in asked]


def text(draw: random.Random):
    city, degrees, month = draw.choice(CITIES), draw.randint(5, 30), draw.choice(MONTHS)
    first = f"It is cloudy in {city} today with a high of {degrees} degrees."
    second = f"Rain is expected on the first of {month}."
    body = f'<div style="font-size:{draw.choice([14, 16, 20])}px"><p>{first}</p><p>{second}</p></div>'
    return (
        body,
        460,
        [
            ("Read the text.", f"{first} {second}", []),
            ("What is the first line?", " ".join(first.split()[:5]), []),
        ],
    )


PAGES = {"dialogs": dialog, "invoices": invoice, "tables": table, "forms": form, "text": text}


def draw_page(html: str, folder: pathlib.Path, size: tuple[int, int]) -> bytes:
    source, target = folder / "page.html", folder / "page.png"
    source.write_text(html)
    subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--allow-file-access-from-files",
            f"--window-size={size[0]},{size[1]}",
            f"--screenshot={target}",
            str(source),
        ],
        check=True,
        capture_output=True,
    )
    return target.read_bytes()


def draw_bars(draw: random.Random, folder: pathlib.Path, font: str):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import font_manager, pyplot

    font_manager.fontManager.addfont(font)
    pyplot.rcParams["font.family"] = font_manager.FontProperties(fname=font).get_name()
    names, values = draw.sample(CITIES, 4), draw.sample(range(10, 100, 9), 4)
    figure, axes = pyplot.subplots(figsize=(4, 3), dpi=100)
    axes.bar(names, values, color=draw.choice(["tab:blue", "tab:green", "tab:red"]))
    axes.set_title("Visitors")
    figure.savefig(folder / "bars.png")
    pyplot.close(figure)
    tallest, shortest = names[values.index(max(values))], names[values.index(min(values))]
    return (folder / "bars.png").read_bytes(), [
        ("Which bar is the tallest?", tallest, [n for n in names if n != tallest]),
        ("Which bar is the shortest?", shortest, [n for n in names if n != shortest]),
        ("What is the title of the chart?", "Visitors", []),
    ]


def ask(url: str, policy: str | None, image: bytes, question: str) -> str:
    boundary = uuid.uuid4().hex
    fields = {"question": question, "stream": "false", "temperature": "0"} | ({"model": policy} if policy else {})
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    )
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="p.png"\r\n\r\n'.encode()
    body += image + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(
        url + "/v1/ask", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    return json.load(urllib.request.urlopen(request, timeout=120))["answer"]


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9.$-]+", " ", text.lower()).strip(" .")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--policy")
    parser.add_argument("--fonts", required=True)
    parser.add_argument("--count", type=int, default=5, help="images of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="show wrong answers")
    options = parser.parse_args()
    results: dict[str, list[bool]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for index in range(options.count):
            font = pathlib.Path(options.fonts).expanduser().resolve() / list(FONTS.values())[index % len(FONTS)]
            for kind in [*PAGES, "bars"]:
                draw = random.Random(f"{options.seed} {index} {kind}")
                if kind == "bars":
                    image, questions = draw_bars(draw, folder, str(font))
                else:
                    body, width, questions = PAGES[kind](draw)
                    image = draw_page(page(font.as_uri(), body, width), folder, (width + 40, 360))
                for question, expected, others in questions:
                    answer = ask(options.url, options.policy, image, question)
                    right = plain(expected) in plain(answer) and not any(plain(o) in plain(answer) for o in others)
                    results.setdefault(kind, []).append(right)
                    if options.show and not right:
                        print(f"{kind} {index}: {question}\n  expected {expected}\n  found    {answer}")
    every = [right for rights in results.values() for right in rights]
    for kind, rights in [*results.items(), ("all", every)]:
        print(f"{kind:10} {sum(rights):4} of {len(rights):4} right")


if __name__ == "__main__":
    main()
