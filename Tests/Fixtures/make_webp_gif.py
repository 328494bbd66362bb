"""Writes the WebP and GIF fixtures of ImagesTests: files of every kind, with the pixels that Pillow decodes them to.

Pillow is the encoder and the decoder. The folder `foreign` has files that others made; its README names where each is
from.

Usage: python3 Tests/Fixtures/make_webp_gif.py    (versions: requirements.txt)
"""

import io

from PIL import Image

from make_jpeg import SIZES, case, foreign, source, write


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def stills():
    for mode in ("RGB", "RGBA"):
        for width, height in SIZES:
            for lossless in (False, True):
                name = f"WebP, {mode} {width}x{height}" + ", lossless" * lossless
                yield case(name, encoded(source(name, mode, width, height), "WEBP", quality=80, lossless=lossless))


def orientations():
    for value in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = value
        image = source("turned", "RGBA" if value % 2 else "RGB", 24, 10)
        yield case(f"WebP, orientation {value}", encoded(image, "WEBP", lossless=True, exif=exif.tobytes()))


def animations():
    frames = [source(f"frame {i}", "RGBA", 20, 14) for i in range(3)]
    for kind in ("WEBP", "GIF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        yield case(f"{kind}, three frames", encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))


def gifs():
    for width, height in SIZES:
        for interlace in (0, 1):
            for colours in (2, 16, 256):
                name = f"GIF, {colours} colours {width}x{height}" + ", interlaced" * interlace
                image = source(name, "RGB", width, height).quantize(colours)
                yield case(name, encoded(image, "GIF", interlace=interlace))
    image = source("see-through", "RGB", 37, 23).quantize(16)
    yield case("GIF, transparent", encoded(image, "GIF", transparency=3))


if __name__ == "__main__":
    script = "make_webp_gif.py"
    write("webp-gif.json", [*stills(), *orientations(), *animations(), *gifs()], script)
    write("webp-gif-foreign.json", [*foreign(".webp", ".gif")], script)
