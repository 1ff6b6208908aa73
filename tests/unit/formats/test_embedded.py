"""Metadata blocks: any bytes end in facts and places, never in another error."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.formats.contract import Damaged, IdentityMark
from medstack.formats.embedded import Embedded, iso_stamp, maker_and_model, merged, sane_dpi
from medstack.formats.exif import read_exif
from medstack.formats.iptc import read_iptc, read_photoshop
from medstack.formats.tiffdir import TiffBlock
from medstack.formats.xmp import read_xmp
from medstack.kit.streams import MemorySource


@given(order=st.sampled_from([b"II*\0", b"MM\0*"]), rest=st.binary(max_size=400))
def test_any_exif_block_is_read_or_called_unreadable(order: bytes, rest: bytes) -> None:
    found = read_exif(order + rest)
    assert 1 <= found.orientation <= 8


@given(
    entries=st.lists(
        st.tuples(
            st.sampled_from([0x10F, 0x112, 0x11A, 0x128, 0x13B, 0x8769, 0x8825]),
            st.integers(0, 14),
            st.integers(0, 2**32 - 1),
            st.integers(0, 2**32 - 1),
        ),
        max_size=8,
    )
)
def test_tags_that_lie_about_type_count_and_place_do_no_harm(entries) -> None:
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    block = b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)
    assert isinstance(read_exif(block), Embedded)


@given(packet=st.binary(max_size=300))
def test_any_xmp_packet_is_read_or_called_unreadable(packet: bytes) -> None:
    assert isinstance(read_xmp(packet), Embedded)


@given(block=st.binary(max_size=300))
def test_any_iptc_block_is_read_or_called_unreadable(block: bytes) -> None:
    assert isinstance(read_photoshop(b"8BIM" + block), Embedded)
    assert isinstance(read_iptc(b"\x1c" + block), Embedded)


@given(text=st.text(max_size=40))
def test_a_stamp_is_iso_or_nothing(text: str) -> None:
    found = iso_stamp(text)
    assert found is None or (len(found) in (10, 19, 20, 25) and found[4] == "-")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024:03:15 10:20:30", "", "2024-03-15T10:20:30"),
        ("2024:03:15 10:20:30", "+02:00", "2024-03-15T10:20:30+02:00"),
        ("2024-03-15T10:20:30.5Z", "", "2024-03-15T10:20:30Z"),
        ("2024-03-15T10:20:30-0530", "", "2024-03-15T10:20:30-05:30"),
        ("2024-03-15", "", "2024-03-15"),
        ("0000:00:00 00:00:00", "", None),
        ("2024:13:01 10:20:30", "", None),
        ("    :  :     :  :  ", "", None),
    ],
)
def test_stamps_of_devices_become_iso(text: str, zone: str, expected: str | None) -> None:
    assert iso_stamp(text, zone) == expected


@pytest.mark.parametrize(
    ("maker", "model", "expected"),
    [
        ("Canon", "Canon EOS 90D", "Canon EOS 90D"),
        ("SYNTHETIC", "Pan 3000", "SYNTHETIC Pan 3000"),
        ("", "Pan", "Pan"),
        ("Only", "", "Only"),
        (" ", "", None),
    ],
)
def test_a_device_is_named_once(maker: str, model: str, expected: str | None) -> None:
    assert maker_and_model(maker, model) == expected


@pytest.mark.parametrize("value", [None, 0, 1, 72, 72.0, 1e9, -300])
def test_a_resolution_nobody_meant_is_none(value: float | None) -> None:
    assert sane_dpi(value) is None


def test_earlier_blocks_win_and_marks_add_up() -> None:
    one, two = IdentityMark(kind="author", place="A"), IdentityMark(kind="title", place="B")
    found = merged(
        Embedded(captured_at="2024-01-01", marks=(one,)),
        Embedded(captured_at="2023-01-01", equipment="X", orientation=6, marks=(two, one)),
    )
    assert found == Embedded(
        captured_at="2024-01-01", equipment="X", orientation=6, marks=(one, two)
    )


def test_a_chain_of_directories_that_returns_is_damaged() -> None:
    block = b"II*\0" + struct.pack("<IHI", 8, 0, 8)
    with pytest.raises(Damaged, match="never ends"):
        list(TiffBlock(MemorySource(block)).directories())
