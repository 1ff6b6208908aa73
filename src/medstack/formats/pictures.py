"""Drawing: thumbnail and preview of anything that can be seen.

WebP in sRGB, upright, never larger than the original, carrying no byte of its metadata.
libvips runs with one thread and no cache: a sandboxed process draws one file and ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import Damaged, Rendition
from medstack.kit.streams import Source, file_of

SIDES_PX = {"thumbnail": 400, "preview": 1600}
_PHOTOGRAPH: dict[str, Any] = {"Q": 82, "smart_subsample": True}
_LETTERING: dict[str, Any] = {"lossless": True, "effort": 1}
_WHITE = 255

# pyvips carries no types; its Image is Any to mypy wherever it appears below.
VipsImage = Any


def vips() -> Any:
    """pyvips, set up for a process that draws one file."""
    import pyvips

    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    return pyvips


@contextlib.contextmanager
def opened(source: Source, loader: str, *sizes: int, **options: Any) -> Iterator[VipsImage]:
    """An image decoded from `source` as it is read, valid inside the `with`.

    loader: a libvips source operation, "jpegload_source" or "thumbnail_source"; sizes and
    options: its further arguments.
    Raises Damaged for whatever libvips cannot decode to the end.
    """
    library = vips()
    file = file_of(source)
    reader = library.SourceCustom()  # must outlive every read: this frame keeps it
    reader.on_read(file.read)
    reader.on_seek(file.seek)
    try:
        yield getattr(library.Image, loader)(reader, *sizes, **options)
    except library.Error as cause:
        raise Damaged("The picture cannot be decoded to its end.") from cause


def decode_fully(source: Source, loader: str, **options: Any) -> None:
    """Decode every pixel and keep none. Raises Damaged."""
    with opened(source, loader, access="sequential", fail_on="error", **options) as image:
        image.avg()


def renditions_of_source(source: Source) -> tuple[Rendition, ...]:
    """Draw a file libvips can open: orientation applied, colours brought to sRGB."""
    side = SIDES_PX["preview"]
    with opened(
        source,
        "thumbnail_source",
        side,
        height=side,
        size="down",
        output_profile="srgb",
        fail_on="error",
    ) as image:
        return renditions(image.copy_memory())


def renditions_of_array(
    pixels: NDArray[np.uint8], *, is_lettering: bool = False
) -> tuple[Rendition, ...]:
    """Draw (rows, columns) grey or (rows, columns, 3) sRGB, 0 black to 255 white."""
    image = vips().Image.new_from_array(np.ascontiguousarray(pixels))
    return renditions(image, is_lettering=is_lettering)


def renditions(image: VipsImage, *, is_lettering: bool = False) -> tuple[Rendition, ...]:
    """Draw thumbnail and preview of an upright image in memory; transparency becomes white.

    is_lettering: the picture is text on paper, kept without loss: smaller so, and far quicker.
    """
    if image.hasalpha():
        image = image.flatten(background=_WHITE)
    preview = _fit(image, SIDES_PX["preview"]).copy_memory()
    thumbnail = _fit(preview, SIDES_PX["thumbnail"])
    lettering = _LETTERING if is_lettering else _PHOTOGRAPH
    return (_webp("thumbnail", thumbnail, lettering), _webp("preview", preview, lettering))


def _fit(image: VipsImage, side: int) -> VipsImage:
    if max(image.width, image.height) <= side:
        return image
    return image.thumbnail_image(side, height=side, size="down")


def _webp(name: str, image: VipsImage, options: dict[str, Any]) -> Rendition:
    data = image.webpsave_buffer(keep="none", **options)
    return Rendition(
        name=name,
        media_type="image/webp",
        width_px=image.width,
        height_px=image.height,
        data=bytes(data),
    )
