"""Writes the PNG and resampling fixtures of ImagesTests.

The PNG files are put together by hand (struct and zlib), of random raw samples, one for every colour type, bit depth,
interlacing and transparency; the expected pixels are computed from those raw samples, and compared with what Pillow
decodes where Pillow keeps full precision. The resampled pictures are Pillow's own.

Usage: python3 Tests/Fixtures/make_images.py    (versions: requirements.txt)
"""

import base64
import io
import json
import pathlib
import random
import struct
import zlib

import PIL
from PIL import Image

FOLDER = pathlib.Path(__file__).parent.parent / "ImagesTests" / "Fixtures"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def pack(samples, depth):
    """One row of samples as PNG stores it."""
    if depth == 16:
        return struct.pack(f">{len(samples)}H", *samples)
    bits, out, used = 0, bytearray(), 0
    for sample in samples:
        bits, used = bits << depth | sample, used + depth
        if used == 8:
            out.append(bits)
            bits, used = 0, 0
    if used:
        out.append(bits << (8 - used))
    return bytes(out)


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(kind, row, above, step):
    out = bytearray([kind])
    for i, value in enumerate(row):
        a = row[i - step] if i >= step else 0
        b = above[i]
        c = above[i - step] if i >= step else 0
        out.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) % 256)
    return bytes(out)


def rows_of(pixels, depth, channels, filters):
    """The filtered rows of a (sub)picture; `filters` yields the filter type of each row."""
    out, above = b"", None
    for line in pixels:
        row = pack([s for pixel in line for s in pixel], depth)
        above = above or bytes(len(row))
        out += filtered(next(filters), row, above, max(1, depth * channels // 8))
        above = row
    return out


def passes_of(pixels, interlaced):
    if not interlaced:
        return [pixels]
    return [[line[x::dx] for line in pixels[y::dy]] for x, y, dx, dy in ADAM7 if len(pixels) > y and len(pixels[0]) > x]


def filter_types(random_source):
    while True:
        yield random_source.randrange(5)


def encode(r, kind, depth, pixels, interlaced, palette, trns, pieces=2, extra=b""):
    height, width, channels = len(pixels), len(pixels[0]), CHANNELS[kind]
    filters = filter_types(r)
    raw = b"".join(rows_of(p, depth, channels, filters) for p in passes_of(pixels, interlaced))
    data = zlib.compress(raw, 9)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))
    out += extra
    if palette:
        out += chunk(b"PLTE", bytes(v for entry in palette for v in entry))
    if trns is not None:
        out += chunk(b"tRNS", trns)
    size = -(-len(data) // pieces)
    for start in range(0, len(data), size):
        out += chunk(b"IDAT", data[start : start + size])
    return out + chunk(b"IEND", b"")


def over_white(value, alpha):
    return (2 * (value * alpha + 255 * (255 - alpha)) + 255) // 510


def to_8(sample, depth):
    if depth == 16:
        return (2 * sample + 257) // 514
    return sample * 255 // (2**depth - 1)


def expected(kind, depth, pixels, palette, trns):
    out = bytearray()
    for pixel in (p for line in pixels for p in line):
        if kind == 3:
            rgb = palette[pixel[0]]
            alpha = trns[pixel[0]] if trns and pixel[0] < len(trns) else 255
        else:
            values = [to_8(s, depth) for s in pixel]
            rgb = values[:3] if kind in (2, 6) else values[:1] * 3
            alpha = values[-1] if kind in (4, 6) else 255
            if trns is not None and kind in (0, 2) and struct.pack(f">{len(pixel)}H", *pixel) == trns:
                alpha = 0
        out += bytes(over_white(v, alpha) for v in rgb)
    return bytes(out)


def transparency(r, kind, depth, pixels, palette):
    if kind == 3:
        return bytes(r.randrange(256) for _ in range(r.randint(1, len(palette))))
    return struct.pack(f">{len(pixels[0][0])}H", *pixels[0][0])


def compare_with_pillow(name, data, rgb, kind, depth):
    """Pillow drops the low byte of 16 bits and ignores alpha in some modes: it is asked only where it is exact."""
    picture = Image.open(io.BytesIO(data))
    if depth == 16 or (kind == 0 and depth < 8 and "tRNS" in name):
        return
    rgba = picture.convert("RGBA").tobytes()
    theirs = bytes(over_white(rgba[i + c], rgba[i + 3]) for i in range(0, len(rgba), 4) for c in range(3))
    assert theirs == rgb, name


def png_cases():
    cases = []
    for kind, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (0, 1):
                for width, height in ((1, 1), (3, 2), (13, 11)):
                    for has_trns in (False, True) if kind in (0, 2, 3) else (False,):
                        cases.append(png_case(kind, depth, interlaced, width, height, has_trns))
    cases.append(animated_case())
    cases.append(true_colour_with_palette_case())
    return cases


def png_case(kind, depth, interlaced, width, height, has_trns):
    name = f"type {kind}, {depth} bits, {width}x{height}" + ", Adam7" * interlaced + ", tRNS" * has_trns
    r = random.Random(name)
    palette = None
    top = 2**depth
    if kind == 3:
        palette = [tuple(r.randrange(256) for _ in range(3)) for _ in range(r.randint(max(1, top // 2), top))]
        top = len(palette)
    pixels = [[tuple(r.randrange(top) for _ in range(CHANNELS[kind])) for _ in range(width)] for _ in range(height)]
    trns = transparency(r, kind, depth, pixels, palette) if has_trns else None
    if trns is not None and depth == 16:
        # Differs from the transparent colour in a low byte only: it must stay opaque.
        pixels[-1][-1] = tuple(s ^ 1 for s in pixels[0][0]) if width > 1 else pixels[0][0]
    data = encode(r, kind, depth, pixels, interlaced, palette, trns, pieces=r.randint(1, 4))
    rgb = expected(kind, depth, pixels, palette, trns)
    compare_with_pillow(name, data, rgb, kind, depth)
    return record(name, data, width, height, rgb)


def animated_case():
    r = random.Random("animated")
    pixels = [[tuple(r.randrange(256) for _ in range(3)) for _ in range(5)] for _ in range(4)]
    frame = struct.pack(">IIIIIHHBB", 0, 5, 4, 0, 0, 1, 10, 0, 0)
    extra = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame)
    data = encode(r, 2, 8, pixels, 0, None, None, extra=extra)
    second = struct.pack(">IIIIIHHBB", 1, 5, 4, 0, 0, 1, 10, 0, 0)
    tail = chunk(b"fcTL", second) + chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(bytes(4 * 16)))
    data = data[:-12] + tail + data[-12:]
    return record("animated", data, 5, 4, expected(2, 8, pixels, None, None))


def true_colour_with_palette_case():
    r = random.Random("suggested palette")
    pixels = [[tuple(r.randrange(256) for _ in range(3)) for _ in range(5)] for _ in range(4)]
    extra = chunk(b"gAMA", struct.pack(">I", 100_000)) + chunk(b"iCCP", b"x\0\0" + b"not zlib")
    data = encode(r, 2, 8, pixels, 0, [(1, 2, 3)], None, extra=extra)
    data += b"bytes after IEND"
    return record("suggested palette, gamma, broken profile", data, 5, 4, expected(2, 8, pixels, None, None))


def record(name, data, width, height, rgb):
    text = lambda b: base64.b64encode(b).decode()
    return {"name": name, "png": text(data), "width": width, "height": height, "rgb": text(rgb)}


def resize_cases():
    sizes = [(1, 1), (1, 7), (2, 3), (17, 16), (64, 48)]
    targets = [(1, 1), (2, 5), (16, 16), (17, 3), (31, 40), (64, 48)]
    filters = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
    sources, results = [], []
    for number, (width, height) in enumerate(sizes):
        r = random.Random(number)
        # Hard edges next to noise, so that negative lobes overshoot and are clamped.
        raw = bytes(r.choice((0, 255, r.randrange(256))) for _ in range(width * height * 3))
        picture = Image.frombytes("RGB", (width, height), raw)
        sources.append({"width": width, "height": height, "rgb": base64.b64encode(raw).decode()})
        for name, value in filters.items():
            for target in targets:
                rgb = picture.resize(target, value).tobytes()
                results.append({"source": number, "width": target[0], "height": target[1], "filter": name,
                                "rgb": base64.b64encode(rgb).decode()})
    return {"sources": sources, "results": results}


def write(name, value):
    value = {"madeBy": "Tests/Fixtures/make_images.py", "pillow": PIL.__version__, **value}
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("png.json", {"cases": png_cases()})
    write("resize.json", resize_cases())
