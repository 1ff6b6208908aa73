"""The promises of formats/contract.py, kept by every format in the list on every golden file."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medstack.formats import FORMATS, format_of, sniffing, tasks
from medstack.formats.contract import HEAD_BYTES, TEXT_CAP, Format, Inspection, Unrecognised
from medstack.formats.known import KNOWN
from medstack.kit.errors import Problem
from medstack.kit.streams import MemorySource

GOLDEN = Path(__file__).parent.parent / "golden"
CUT_POINTS = 20
LONGEST_SIDE = {"thumbnail": 400, "preview": 1600}
PICTURE_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}


def samples() -> list[tuple[Format, Path]]:
    return [
        (entry, path)
        for entry in FORMATS
        for path in sorted((GOLDEN / entry.kind).glob("*"))
        if path.suffix.removeprefix(".") in entry.extensions
    ]


every_format = pytest.mark.parametrize("entry", FORMATS, ids=lambda f: f.kind)
every_sample = pytest.mark.parametrize(
    ("entry", "path"), samples(), ids=lambda v: v.name if isinstance(v, Path) else v.kind
)
few = settings(
    max_examples=CUT_POINTS,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def outcome(content: bytes, kind: str, *, is_drawn: bool = True) -> Inspection | Problem:
    """What one inspection, and the reading and drawing after it, end in."""
    source = MemorySource(content)
    try:
        found = tasks.inspect(source, kind=kind)
        tasks.text(source, kind=kind)
        if is_drawn:
            tasks.render(source, kind=kind)
    except Problem as refusal:
        return refusal
    return found


@every_format
def test_a_format_has_a_stable_name_a_type_and_extensions(entry: Format) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*", entry.kind)
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", entry.media_type)
    assert entry.extensions
    assert all(re.fullmatch(r"[a-z0-9]+", e) for e in entry.extensions)


@every_format
def test_a_format_has_golden_files(entry: Format) -> None:
    assert [path for other, path in samples() if other is entry]


def test_no_two_kinds_share_a_name_an_extension_or_a_media_type() -> None:
    for values in (
        [f.kind for f in (*FORMATS, *KNOWN)],
        [e for f in (*FORMATS, *KNOWN) for e in f.extensions],
        [f.media_type for f in FORMATS],
    ):
        assert len(values) == len(set(values))


def test_an_unlisted_kind_has_no_module() -> None:
    with pytest.raises(Unrecognised):
        format_of("floppy")


@every_sample
def test_a_sample_is_identified_by_content_with_its_extension(entry: Format, path: Path) -> None:
    source = MemorySource(path.read_bytes())
    assert tasks.identify(source, extension=path.suffix) == entry.kind


@every_sample
def test_a_sample_reads_as_no_other_kind(entry: Format, path: Path) -> None:
    others = set(sniffing.kinds_of(MemorySource(path.read_bytes()))) - {entry.kind}
    assert others <= ({"txt", "csv"} - {entry.kind} if entry.kind in ("txt", "csv") else set())


@every_format
@few
@given(head=st.binary(max_size=HEAD_BYTES), tail=st.binary(max_size=64), size=st.integers(0, 2**40))
def test_sniffing_never_raises(entry: Format, head: bytes, tail: bytes, size: int) -> None:
    assert entry.sniff(head, tail, size) in (True, False)


@every_sample
def test_an_inspection_names_its_kind_and_survives_the_wire(entry: Format, path: Path) -> None:
    found = tasks.inspect(MemorySource(path.read_bytes()), kind=entry.kind)
    assert (found.kind, found.media_type, found.extension) == (
        entry.kind,
        entry.media_type,
        entry.extensions[0],
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Inspection) == found


@every_sample
def test_extra_metadata_has_camel_case_names_and_plain_values(entry: Format, path: Path) -> None:
    extra = tasks.inspect(MemorySource(path.read_bytes()), kind=entry.kind).metadata.extra
    for name, value in extra.items():
        assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", name)
        assert type(value) in (str, int, float, bool)


@every_sample
def test_renditions_are_small_pictures_without_metadata(entry: Format, path: Path) -> None:
    drawn = tasks.render(MemorySource(path.read_bytes()), kind=entry.kind)
    assert [r.name for r in drawn] in ([], ["thumbnail", "preview"])
    for picture in drawn:
        assert picture.media_type == "image/webp"
        assert 1 <= max(picture.width_px, picture.height_px) <= LONGEST_SIDE[picture.name]
        assert set(webp_chunks(picture.data)) <= PICTURE_CHUNKS


@every_sample
def test_text_is_bounded(entry: Format, path: Path) -> None:
    text = tasks.text(MemorySource(path.read_bytes()), kind=entry.kind)
    assert len(text) <= TEXT_CAP
    assert "\0" not in text


@every_sample
def test_reading_twice_finds_the_same(entry: Format, path: Path) -> None:
    source = MemorySource(path.read_bytes())
    assert entry.inspect(source) == entry.inspect(source)
    assert entry.render(source) == entry.render(source)


@pytest.mark.slow  # a mutated file for each place; `make test` does them all
@every_sample
@few
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_read_or_refused(entry: Format, path: Path, share: float) -> None:
    content = path.read_bytes()
    assert isinstance(
        outcome(content[: int(len(content) * share)], entry.kind), Inspection | Problem
    )


@every_sample
@few
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=8)
)
def test_a_corrupted_file_is_read_or_refused(
    entry: Format, path: Path, flips: list[tuple[float, int]]
) -> None:
    content = bytearray(path.read_bytes())
    for share, mask in flips:
        content[int(len(content) * share)] ^= mask
    found = outcome(bytes(content), entry.kind, is_drawn=sum(content) % 4 == 0)
    assert isinstance(found, Inspection | Problem)


@every_format
def test_nothing_at_all_is_refused(entry: Format) -> None:
    assert isinstance(outcome(b"", entry.kind), Problem)


def webp_chunks(data: bytes) -> list[bytes]:
    """Chunk names of a WebP file, walked by its own lengths to the last byte."""
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    names, at = [], 12
    while at < len(data):
        name, length = struct.unpack("<4sI", data[at : at + 8])
        names.append(name)
        at += 8 + length + (length & 1)
    assert at == len(data)
    return names
