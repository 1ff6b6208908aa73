"""The ZIP walker: what two readers could disagree on is found, what is whole is read whole."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archives import zipped

from medstack.kit.streams import MemorySource
from medstack.kit.zipwalk import (
    ArchiveBomb,
    BadArchive,
    Flaw,
    Limits,
    chunks_of_member,
    looks_like_zip,
    source_of_member,
    walk,
)

TEXT = b"a clinical note, " * 4000


class Pipe(io.RawIOBase):
    """Cannot seek, so zipfile must write data descriptors."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def piped(*members: tuple[str, bytes], zip64: bool = False) -> bytes:
    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for name, data in members:
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(data)
    return bytes(out.data)


def flaws_of(data: bytes) -> set[Flaw]:
    return {found.flaw for found in walk(MemorySource(data)).findings}


def contents(data: bytes) -> list[bytes]:
    source = MemorySource(data)
    return [b"".join(chunks_of_member(source, m)) for m in walk(source).members]


@pytest.mark.parametrize("make", [zipped, piped])
@pytest.mark.parametrize("zip64", [False, True])
def test_a_plain_archive_is_sound_and_read_whole(make, zip64):
    data = make(("a.txt", TEXT), ("b/c.bin", b""), ("d", b"\0" * 900_000), zip64=zip64)
    assert flaws_of(data) == set()
    assert contents(data) == [TEXT, b"", b"\0" * 900_000]


def test_a_stored_archive_is_sound_and_read_whole():
    data = zipped(("a.txt", TEXT), stored=True)
    assert flaws_of(data) == set()
    assert contents(data) == [TEXT]


def test_an_empty_archive_is_sound():
    assert flaws_of(zipped()) == set()


def test_a_comment_belongs_to_the_archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"x")
        archive.comment = b"exported by the practice"
    assert flaws_of(out.getvalue()) == set()


def test_a_directory_entry_is_known_as_one():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.mkdir("images")
        archive.writestr("images/1.dcm", b"x")
    archive_ = walk(MemorySource(out.getvalue()))
    assert [m.is_directory for m in archive_.members] == [True, False]
    assert archive_.findings == ()


def test_data_before_the_first_member_is_found():
    assert flaws_of(b"\xff\xd8\xff" + zipped(("a", TEXT))) == {Flaw.PREFIX}


def test_data_after_the_end_is_found():
    assert flaws_of(zipped(("a", TEXT)) + b"tail") == {Flaw.SUFFIX}


def test_an_archive_before_the_archive_is_a_stray_stretch():
    first, second = zipped(("a", TEXT)), zipped(("b", b"x" * 70_000), stored=True)
    archive = walk(MemorySource(first + second))
    assert archive.strays == ((0, len(first)),)


def test_a_gap_between_members_is_found():
    one, two = zipped(("a", b"1"), stored=True), zipped(("b", b"2"), stored=True)
    body_one, body_two = one[:32], two[:32]
    central = bytearray(one[32 : 32 + 47] + two[32 : 32 + 47])
    struct.pack_into("<I", central, 47 + 42, 32 + 9)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, len(central), 32 + 9 + 32, 0)
    data = body_one + b"smuggled!" + body_two + bytes(central) + end
    archive = walk(MemorySource(data))
    assert archive.strays == ((32, 41),)
    assert {f.flaw for f in archive.findings} == {Flaw.GAP}


def test_two_members_sharing_bytes_are_found():
    one = zipped(("a", b"1"), stored=True)
    central = one[32 : 32 + 47] * 2
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, len(central), 32, 0)
    assert Flaw.OVERLAP in flaws_of(one[:32] + central + end)


def test_duplicate_names_are_found():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("a", b"1"), ("a", b"2"))
    assert flaws_of(data) == {Flaw.DUPLICATE}


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/etc/x", "C:/x", "c:\\x", "..\\x", "a\x07b"],
)
def test_names_that_lead_outside_are_found(name):
    assert flaws_of(zipped((name, b"1"))) == {Flaw.NAME}


def test_a_nul_in_a_name_is_found():
    assert Flaw.NAME in flaws_of(zipped(("aQb", b"1")).replace(b"aQb", b"a\0b"))


def test_a_symbolic_link_is_found():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system = 3
        link.external_attr = 0o120777 << 16
        archive.writestr(link, b"/etc/passwd")
    assert flaws_of(out.getvalue()) == {Flaw.LINK}


def test_an_encrypted_member_is_found_and_refused():
    data = bytearray(zipped(("a", b"1"), stored=True))
    data[6] |= 1
    data[32 + 8] |= 1
    source = MemorySource(bytes(data))
    archive = walk(source)
    assert {f.flaw for f in archive.findings} == {Flaw.ENCRYPTED}
    with pytest.raises(BadArchive):
        list(chunks_of_member(source, archive.members[0]))


@pytest.mark.parametrize("field", [8, 14, 18, 22, 30])  # method, crc, packed, size, name
def test_a_local_header_that_disagrees_is_found(field):
    data = bytearray(zipped(("abc", TEXT)))
    data[field] ^= 1
    assert Flaw.MISMATCH in flaws_of(bytes(data))


def test_a_wrong_descriptor_is_found():
    data = bytearray(piped(("abc", TEXT)))
    at = data.index(b"PK\x07\x08")
    data[at + 4] ^= 1
    assert Flaw.MISMATCH in flaws_of(bytes(data))


def test_two_directories_in_one_tail_are_found():
    inner = zipped(("b", b"2"))
    outer = zipped(("a", b"1"))
    data = outer[:-2] + struct.pack("<H", len(inner) + 2) + inner + b"xx"
    assert flaws_of(data) & {Flaw.TWO_DIRECTORIES, Flaw.PREFIX}


def test_content_that_misses_its_checksum_is_refused():
    data = bytearray(zipped(("a", b"123456"), stored=True))
    data[33] ^= 1
    source = MemorySource(bytes(data))
    with pytest.raises(BadArchive):
        list(chunks_of_member(source, walk(source).members[0]))


def test_content_longer_than_its_size_is_refused():
    packed = zlib.compress(b"z" * 5000)[2:-4]
    crc = zlib.crc32(b"z" * 5000)
    local = (
        struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(packed), 10, 1, 0) + b"a"
    )
    central = struct.pack(
        "<4s6H3I5H2I",
        b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, len(packed), 10, 1, 0, 0, 0, 0, 0, 0,
    ) + b"a"  # fmt: skip
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local) + len(packed), 0
    )
    source = MemorySource(local + packed + central + end)
    archive = walk(source)
    assert archive.findings == ()
    with pytest.raises(BadArchive):
        list(chunks_of_member(source, archive.members[0]))


def test_too_many_members_are_a_bomb():
    data = zipped(*((str(n), b"") for n in range(12)))
    with pytest.raises(ArchiveBomb) as caught:
        walk(MemorySource(data), limits=Limits(members=10))
    assert caught.value.facts["rule"] == "members"


def test_a_member_that_swells_too_much_is_a_bomb():
    data = zipped(("a", b"\0" * 2_000_000))
    with pytest.raises(ArchiveBomb) as caught:
        walk(MemorySource(data), limits=Limits(ratio_from_bytes=1_000_000))
    assert caught.value.facts["rule"] == "ratio"


def test_a_total_over_the_limit_is_a_bomb():
    data = zipped(("a", TEXT), ("b", TEXT))
    with pytest.raises(ArchiveBomb) as caught:
        walk(MemorySource(data), limits=Limits(total_bytes=len(TEXT) * 2 - 1))
    assert caught.value.facts["rule"] == "total-bytes"


def test_no_directory_is_refused():
    with pytest.raises(BadArchive):
        walk(MemorySource(b"PK\x03\x04 and nothing else"))


def test_text_does_not_look_like_a_zip_and_a_jpeg_with_one_glued_on_does():
    assert not looks_like_zip(MemorySource(TEXT))
    assert looks_like_zip(MemorySource(b"\xff\xd8\xff\xe0" + TEXT + zipped(("a", b"1"))))


def test_no_name_is_shown_by_a_member():
    member = walk(MemorySource(zipped(("MUSTER-ERIKA.pdf", b"1")))).members[0]
    assert "MUSTER" not in repr(member)


NOISE = random.Random(7).randbytes(3_000_000) + b"\0" * 2_000_000


@settings(max_examples=25, deadline=None)
@given(
    reads=st.lists(
        st.tuples(st.integers(0, len(NOISE) + 10), st.integers(0, 300_000)),
        min_size=1,
        max_size=5,
    )
)
def test_a_deflated_member_reads_anywhere_like_its_content(reads):
    archive = MemorySource(NOISE_ZIP)
    source = source_of_member(archive, walk(archive).members[0])
    for offset, length in reads:
        assert source.read_at(offset, length) == NOISE[offset : offset + length]


NOISE_ZIP = zipped(("noise", NOISE))
SMALL = zipped(("a.txt", TEXT[:500]), ("b.txt", b"hello"))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(SMALL) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_a_finding_a_problem_or_harmless(at, bit):
    data = bytearray(SMALL)
    data[at] ^= 1 << bit
    source = MemorySource(bytes(data))
    try:
        archive = walk(source)
        archive.require_sound()
        read = [b"".join(chunks_of_member(source, m)) for m in archive.members]
    except (BadArchive, ArchiveBomb):
        return
    assert read == [TEXT[:500], b"hello"]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(SMALL) - 1))
def test_a_truncated_archive_is_always_refused(cut):
    with pytest.raises(BadArchive):
        walk(MemorySource(SMALL[:cut])).require_sound()
