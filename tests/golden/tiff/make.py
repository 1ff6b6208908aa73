"""TIFF golden files: depths, packings, strips and tiles, pages, tags."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyvips
from PIL import Image, TiffImagePlugin
from tests.golden.jpeg.make import CANARY
from tests.golden.scenes import arch, quarters


def encode(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF", **options)
    return buffer.getvalue()


def described() -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x010E], tags[0x013B], tags[0x8298] = CANARY, CANARY, CANARY
    tags[0x010F], tags[0x0110] = "Synthetic", "Pan 3000"
    return encode(Image.fromarray(quarters(48, 32)), tiffinfo=tags, dpi=(400, 400))


def radiograph() -> bytes:
    """12 of 16 bits used, as sensors do."""
    return encode(Image.fromarray((arch(80, 48) * 4095).astype("uint16")), compression="tiff_lzw")


def tiled() -> bytes:
    picture = pyvips.Image.new_from_array((arch(100, 70) * 255).astype(np.uint8))
    return bytes(
        picture.tiffsave_buffer(tile=True, tile_width=32, tile_height=32, compression="deflate")
    )


def files() -> dict[str, bytes]:
    colour = Image.fromarray(quarters(48, 32))
    return {
        "colour.tif": encode(colour),
        "described.tif": described(),
        "radiograph.tif": radiograph(),
        "tiled.tiff": tiled(),
        "jpeg.tif": encode(colour, compression="jpeg"),
        "fax.tif": encode(Image.fromarray(arch(48, 32) > 0.4), compression="group4"),
        "pages.tif": encode(
            colour, save_all=True, append_images=[colour.convert("L"), colour.resize((20, 30))]
        ),
    }
