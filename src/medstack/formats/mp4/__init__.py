"""MP4 films: ISO/IEC 14496-12 and -14, walked box by box to the last byte.

Structure and sample tables are checked here; pictures are decoded only by ffmpeg, where there
is one, so this module draws none: `render` is () and the worker asks ffmpeg for a poster.
"""

from __future__ import annotations

from medstack.formats.contract import (
    Damaged,
    FileMetadata,
    Inspection,
    Rendition,
    Unrecognised,
)
from medstack.formats.known import brand_of
from medstack.formats.mp4.boxes import Boxes, one
from medstack.formats.mp4.fragments import totals_of
from medstack.formats.mp4.remarks import remarks_of
from medstack.formats.mp4.tracks import Track, read_track
from medstack.kit.streams import Source

_BRANDS = frozenset(
    {
        *(f"iso{c}".encode() for c in "m23456789abc"),
        *(b"mp41", b"mp42", b"mp71", b"avc1", b"dash", b"MSNV", b"NDSC", b"XAVC", b"f4v "),
        *(b"M4V ", b"M4VH", b"M4VP", b"mmp4", b"cmfc", b"hvc1", b"av01", b"mp4v"),
        *(f"3gp{n}".encode() for n in range(4, 10)),
        *(f"3g2{c}".encode() for c in "abc"),
    }
)
_FOREIGN = frozenset(
    {
        *(b"qt  ", b"M4A ", b"M4B ", b"M4P ", b"avif", b"avis", b"mif1", b"msf1"),
        *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"crx ", b"jp2 ", b"jxl "),
    }
)


class Mp4:
    """One film whose tables point only into its own media data."""

    kind = "mp4"
    media_type = "video/mp4"
    extensions = ("mp4", "m4v", "mp4v", "3gp", "3g2")

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        brand = brand_of(head)
        if not brand or brand in _FOREIGN:
            return False
        end = min(int.from_bytes(head[:4], "big"), 256)
        others = {head[at : at + 4] for at in range(16, end - 3, 4)}
        return brand in _BRANDS or bool(others & _BRANDS)

    def inspect(self, source: Source) -> Inspection:
        boxes = Boxes(source)
        top = boxes.top()
        if not top or top[0].name != b"ftyp":
            raise Damaged("The MP4 does not start with its file type.")
        media = [box for box in top if box.name == b"mdat"]
        moov = boxes.children(one(top, b"moov"))
        fragments = totals_of(boxes, top, moov)
        tracks = [read_track(boxes, b, media, fragments) for b in moov if b.name == b"trak"]
        film = next((track for track in tracks if track.handler == "vide"), None)
        if film is None:
            raise Unrecognised("The MP4 has no picture, only sound or data.", kind="m4a")
        embedded = remarks_of(boxes, top, moov, [track.codec for track in tracks])
        return Inspection(
            kind=self.kind,
            media_type=self.media_type,
            extension=self.extensions[0],
            metadata=FileMetadata(
                width_px=film.width_px,
                height_px=film.height_px,
                captured_at=embedded.captured_at,
                equipment=embedded.equipment,
                extra=_extra(film, tracks, is_fragmented=bool(fragments)),
            ),
            identity=embedded.marks,
        )

    def render(self, source: Source) -> tuple[Rendition, ...]:
        return ()

    def text(self, source: Source) -> str:
        return ""


def _extra(
    film: Track, tracks: list[Track], *, is_fragmented: bool
) -> dict[str, str | int | float | bool]:
    extra: dict[str, str | int | float | bool] = {
        "durationS": round(max(track.duration_s for track in tracks), 3),
        "videoCodec": film.codec,
        "trackCount": len(tracks),
        "rotationDeg": film.rotation_deg,
        "fragmented": is_fragmented,
    }
    if film.samples:
        extra["frameCount"] = film.samples
    if film.samples and film.duration_s:
        extra["framesPerS"] = round(film.samples / film.duration_s, 3)
    sound = next((track for track in tracks if track.handler == "soun"), None)
    if sound is not None:
        extra |= {"audioCodec": sound.codec, "channels": sound.channels}
        extra |= {"sampleRateHz": sound.rate_hz} if sound.rate_hz else {}
    return extra


MP4 = Mp4()
