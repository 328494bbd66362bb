"""Writes the JPEG fixtures of ImagesTests: files of every kind, with the pixels that Pillow decodes them to.

Pillow is the encoder and the decoder. Of kinds that it cannot write there are files that others made, in the folder
`foreign`; its README names where each is from.

Usage: python3 Tests/Fixtures/make_jpeg.py    (versions: requirements.txt)
"""

import base64
import io
import json
import pathlib
import random

import PIL
from PIL import Image, ImageFilter, ImageOps

FOLDER = pathlib.Path(__file__).parent.parent / "ImagesTests" / "Fixtures"
SIZES = ((1, 1), (16, 16), (37, 23))


def source(name, mode, width, height):
    """Smooth noise with hard edges, so that chroma upsampling and clipping have something to do."""
    r = random.Random(name)
    channels = len(Image.new(mode, (1, 1)).getbands())
    image = Image.frombytes(mode, (width, height), bytes(r.randrange(256) for _ in range(width * height * channels)))
    image = image.filter(ImageFilter.BoxBlur(2))
    image.paste(tuple(r.choice((0, 255)) for _ in range(channels)), (width // 3, height // 4, width // 2, height // 2))
    return image


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def case(name, data):
    """What Pillow makes of a file: its first frame, upright, in grey or RGB, over white."""
    file = Image.open(io.BytesIO(data))
    image = ImageOps.exif_transpose(file)
    image = image if image.mode == "L" and file.format == "JPEG" else over_white(image.convert("RGBA"))
    text = lambda b: base64.b64encode(b).decode()
    return {"name": name, "file": text(data), "width": image.width, "height": image.height,
            "channels": len(image.getbands()), "samples": text(image.tobytes())}


def over_white(image):
    """Alpha over white, rounded to nearest."""
    samples = image.tobytes()
    blend = lambda value, alpha: (value * alpha + 255 * (255 - alpha) + 127) // 255
    mixed = bytes(blend(samples[i + c], samples[i + 3]) for i in range(0, len(samples), 4) for c in range(3))
    return Image.frombytes("RGB", image.size, mixed)


def kinds():
    for mode in ("L", "RGB", "CMYK"):
        for width, height in SIZES:
            for progressive in (False, True):
                for subsampling in (0, 1, 2) if mode == "RGB" else (0,):
                    name = f"{mode} {width}x{height}, sampling {subsampling}" + ", progressive" * progressive
                    yield case(name, encoded(source(name, mode, width, height), quality=85, progressive=progressive,
                                             subsampling=subsampling))
    yield case("RGB kept as RGB", encoded(source("kept", "RGB", 37, 23), quality=90, keep_rgb=True))
    yield case("restart intervals", encoded(source("restart", "RGB", 64, 40), quality=80, restart_marker_blocks=2))


def orientations():
    for value in range(1, 9):
        for order, endian in (("big-endian", ">"), ("little-endian", "<")):
            exif = Image.Exif()
            exif.endian = endian
            exif[0x010F] = "Apus"
            exif[0x0112] = value
            data = encoded(source("turned", "RGB" if value % 2 else "L", 24, 10), quality=90, exif=exif.tobytes())
            yield case(f"orientation {value}, {order}", data)
    exif = Image.Exif()
    exif[0x0112] = 9
    yield case("orientation 9", encoded(source("turned", "L", 24, 10), quality=90, exif=exif.tobytes()))


def foreign(*endings):
    """Every fifth row: enough to tell, and small."""
    for path in sorted(p for p in (FOLDER / "foreign").iterdir() if p.suffix in endings):
        made = case(path.name, path.read_bytes())
        samples, row = base64.b64decode(made["samples"]), made["width"] * made["channels"]
        kept = b"".join(samples[y * row : (y + 1) * row] for y in range(0, made["height"], 5))
        yield {**made, "file": "", "samples": base64.b64encode(kept).decode()}


def write(name, cases, script="make_jpeg.py"):
    value = {"madeBy": "Tests/Fixtures/" + script, "pillow": PIL.__version__, "cases": cases}
    (FOLDER / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("jpeg.json", [*kinds(), *orientations()])
    write("jpeg-foreign.json", [*foreign(".jpeg")])
