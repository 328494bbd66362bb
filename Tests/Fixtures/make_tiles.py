"""The tiles into which transformers' Idefics3 processor cuts pictures: rows, columns and the SHA-256 of each tile's RGB bytes.

The pictures are drawn by a formula that the tests repeat. "high" is the processor as it comes, "low" the same without splitting.
"""

import hashlib

import numpy as np
from PIL import Image
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from common import write_json

SIZES = [
    (32, 32), (20, 20), (1, 1), (64, 48), (48, 64), (100, 70), (200, 90), (90, 200), (33, 32), (31, 97), (257, 3),
    (3, 257), (128, 128), (129, 127), (640, 481), (500, 375),
]  # fmt: skip
TILINGS = [(32, 128), (24, 100), (36, 144), (32, 32)]  # tile, longest edge


def picture(width: int, height: int) -> np.ndarray:
    """Smooth waves with sharp edges and a grid, so that every filter tap matters."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [(x * (7 + c) + y * (13 - c) + (x * y) // (3 + c) + 90 * ((x // 5 + y // 7) % 2)) % 256 for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def tiles(image: np.ndarray, tile: int, edge: int, splits: bool) -> dict:
    """The processor's result, back in bytes."""
    processor = Idefics3ImageProcessorPil(
        size={"longest_edge": edge},
        max_image_size={"longest_edge": tile},
        do_image_splitting=splits,
        do_rescale=False,
        do_normalize=False,
    )
    result = processor([[Image.fromarray(image)]], return_row_col_info=True, return_tensors="np")
    digests = [
        hashlib.sha256(np.ascontiguousarray(view.transpose(1, 2, 0)).astype(np.uint8).tobytes()).hexdigest()
        for view in result["pixel_values"][0]
    ]
    return {"rows": int(result["rows"][0][0]), "columns": int(result["cols"][0][0]), "sha256": digests}


def main() -> None:
    cases = []
    for tile, edge in TILINGS:
        for width, height in SIZES:
            image = picture(width, height)
            try:
                high = tiles(image, tile, edge, True)
            except ValueError:
                continue  # the reference makes a side of 0 pixels
            case = {"width": width, "height": height, "tile": tile, "edge": edge, "high": high}
            cases.append(case | {"low": tiles(image, tile, edge, False)})
    write_json("Models", "tiles.json", {"cases": cases})


if __name__ == "__main__":
    main()
