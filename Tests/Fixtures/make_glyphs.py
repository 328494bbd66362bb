"""Writes the glyph fixture of TypographyTests: bitmaps and metrics by FreeType through freetype-py, whose wheel brings its
own FreeType.

The fonts are in the public domain. `Tuffy-ASCII.ttf` has the printable ASCII characters of Debian's `Tuffy.ttf`
(package fonts-tuffy; pyftsubset --unicodes=U+0020-007E --legacy-kern); `OCRB.otf` is the package fonts-ocr-b's.

Usage: python3 Tests/Fixtures/make_glyphs.py    (versions: requirements.txt)
"""

import base64
import ctypes
import json
import pathlib
from importlib.metadata import version

import freetype

FOLDER = pathlib.Path(__file__).parent.parent / "TypographyTests" / "Fixtures"
FLAGS = {
    "none": freetype.FT_LOAD_NO_HINTING,
    "light": freetype.FT_LOAD_TARGET_LIGHT,
    "mono": freetype.FT_LOAD_TARGET_MONO,
}


def case(file, character, size, hinting, shift):
    """One glyph; size in pixels an em, shift to the right in 1/64 pixels."""
    face = freetype.Face(str(FOLDER / file))
    face.set_char_size(0, round(size * 64), 72, 72)
    face.load_char(character, freetype.FT_LOAD_NO_BITMAP | FLAGS[hinting])
    slot = face.glyph
    freetype.FT_Outline_Translate(ctypes.byref(slot._FT_GlyphSlot.contents.outline), shift, 0)
    mono = hinting == "mono"
    slot.render(freetype.FT_RENDER_MODE_MONO if mono else freetype.FT_RENDER_MODE_NORMAL)
    bitmap = slot.bitmap
    rows = bytearray()
    for y in range(bitmap.rows):
        for x in range(bitmap.width):
            if mono:
                rows.append(255 * (bitmap.buffer[y * bitmap.pitch + x // 8] >> (7 - x % 8) & 1))
            else:
                rows.append(bitmap.buffer[y * bitmap.pitch + x])
    return {
        "file": file,
        "character": character,
        "size": size,
        "hinting": hinting,
        "quarter": shift // 16,
        "left": slot.bitmap_left,
        "top": slot.bitmap_top,
        "width": bitmap.width,
        "height": bitmap.rows,
        "advance": slot.advance.x / 64 if mono else slot.linearHoriAdvance / 65536,
        "coverage": base64.b64encode(bytes(rows)).decode(),
    }


def kerning(file, left, right, size):
    face = freetype.Face(str(FOLDER / file))
    face.set_char_size(0, round(size * 64), 72, 72)
    move = face.get_kerning(left, right, freetype.FT_KERNING_UNFITTED)
    return {"file": file, "left": left, "right": right, "size": size, "move": move.x / 64}


def main():
    cases = [
        case(file, character, size, hinting, shift)
        for file in ("Tuffy-ASCII.ttf", "OCRB.otf")
        for character in "agQ8@ "
        for size, hinting, shift in (
            (12, "none", 0), (17.25, "none", 16), (40, "none", 48), (14, "light", 0), (16, "mono", 0),
        )
    ]
    pairs = [kerning("Tuffy-ASCII.ttf", left, right, 20) for left, right in ("AV", "AT", "nn")]
    result = {
        "provenance": {
            "command": "python3 Tests/Fixtures/make_glyphs.py",
            "freetype-py": version("freetype-py"),
            "freetype": ".".join(map(str, freetype.version())),
        },
        "cases": cases,
        "pairs": pairs,
    }
    (FOLDER / "glyphs.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
