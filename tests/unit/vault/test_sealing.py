"""The sealed object format: against Tink both ways, at every edge, and under attack."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from medstack.kit.errors import Broken
from medstack.vault.sealing import (
    HEADER_BYTES,
    ROOM_BYTES,
    SEGMENT_BYTES,
    TAG_BYTES,
    Altered,
    Sealer,
    SegmentCipher,
    Unsealer,
    WrongSize,
    sealed_size,
    segment_count,
)

KEY = bytes(range(32))
AAD = b"medstack-part-1|0123456789abcdef"
FIRST = ROOM_BYTES - HEADER_BYTES
EDGES = sorted(
    {
        max(0, edge + step)
        for edge in (0, FIRST, FIRST + ROOM_BYTES, FIRST + 7 * ROOM_BYTES, FIRST + 9 * ROOM_BYTES)
        for step in (-16, -1, 0, 1, 16, 100)
    }
)
PLAIN = os.urandom(FIRST + 10 * ROOM_BYTES)


def seal(plain: bytes, *, cuts: Iterable[int] = (), aad: bytes = AAD) -> bytes:
    out = io.BytesIO()
    sealer = Sealer(KEY, aad=aad, sink=out.write)
    at = 0
    for cut in (*sorted(cuts), len(plain)):
        sealer.write(plain[at:cut])
        at = max(at, cut)
    assert sealer.finish() == len(out.getvalue())
    return out.getvalue()


def unsealer(sealed: bytes, size: int, *, aad: bytes = AAD) -> Unsealer:
    cipher = SegmentCipher.derive(KEY, sealed[:HEADER_BYTES], aad=aad)
    return Unsealer(cipher, size=size, read=lambda offset, length: sealed[offset : offset + length])


def unseal(sealed: bytes, size: int, *, aad: bytes = AAD) -> bytes:
    return unsealer(sealed, size, aad=aad).read_at(0, size)


@pytest.fixture(scope="module")
def tinks() -> streaming_aead.StreamingAead:
    """Google's implementation with our key and our segment size."""
    streaming_aead.register()
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0,
        key_value=KEY,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=SEGMENT_BYTES,
            derived_key_size=32,
            hkdf_hash_type=common_pb2.SHA256,
        ),
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_id=1,
        status=tink_pb2.ENABLED,
        output_prefix_type=tink_pb2.RAW,
        key_data=tink_pb2.KeyData(
            type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
            value=key.SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC,
        ),
    )
    handle = cleartext_keyset_handle.read(tink.BinaryKeysetReader(keyset.SerializeToString()))
    return handle.primitive(streaming_aead.StreamingAead)


class Kept(io.BytesIO):
    """Tink closes what it wrote to; this remembers it."""

    kept = b""

    def close(self) -> None:
        self.kept = self.getvalue()
        super().close()


def tink_seals(tinks: streaming_aead.StreamingAead, plain: bytes, aad: bytes = AAD) -> bytes:
    out = Kept()
    with tinks.new_encrypting_stream(out, aad) as stream:
        stream.write(plain)
    return out.kept


def tink_unseals(tinks: streaming_aead.StreamingAead, sealed: bytes, aad: bytes = AAD) -> bytes:
    with tinks.new_decrypting_stream(io.BytesIO(sealed), aad) as stream:
        return bytes(stream.read())


@pytest.mark.parametrize("size", EDGES)
def test_tink_reads_what_we_write(tinks: streaming_aead.StreamingAead, size: int) -> None:
    assert tink_unseals(tinks, seal(PLAIN[:size])) == PLAIN[:size]


@pytest.mark.parametrize("size", EDGES)
def test_we_read_what_tink_writes(tinks: streaming_aead.StreamingAead, size: int) -> None:
    sealed = tink_seals(tinks, PLAIN[:size])
    assert len(sealed) == sealed_size(size)
    assert unseal(sealed, size) == PLAIN[:size]


@settings(deadline=None)
@given(
    size=st.integers(0, len(PLAIN)),
    cuts=st.lists(st.integers(0, len(PLAIN)), max_size=12),
)
def test_tink_reads_what_we_write_however_it_was_pushed(
    tinks: streaming_aead.StreamingAead, size: int, cuts: list[int]
) -> None:
    sealed = seal(PLAIN[:size], cuts=[min(cut, size) for cut in cuts])
    assert len(sealed) == sealed_size(size)
    assert tink_unseals(tinks, sealed) == PLAIN[:size]


@settings(deadline=None)
@given(size=st.integers(0, len(PLAIN)), data=st.data())
def test_a_range_of_what_tink_wrote_equals_the_slice(
    tinks: streaming_aead.StreamingAead, size: int, data: st.DataObject
) -> None:
    reader = unsealer(tink_seals(tinks, PLAIN[:size]), size)
    for _ in range(20):
        offset = data.draw(st.one_of(st.integers(0, size + 10), st.sampled_from(EDGES)))
        length = data.draw(st.one_of(st.integers(0, 200), st.integers(0, size + 10)))
        assert reader.read_at(offset, length) == PLAIN[:size][offset : offset + length]


def test_every_range_around_every_edge_equals_the_slice() -> None:
    reader = unsealer(seal(PLAIN), len(PLAIN))
    for begin in EDGES:
        for end in EDGES:
            if begin <= end:
                assert reader.read_at(begin, end - begin) == PLAIN[begin:end]


@pytest.mark.parametrize("size", EDGES)
def test_the_sealed_size_is_known_beforehand(size: int) -> None:
    assert len(seal(PLAIN[:size])) == sealed_size(size)


def test_an_empty_object_has_one_segment() -> None:
    assert segment_count(0) == 1
    assert sealed_size(0) == HEADER_BYTES + TAG_BYTES
    unsealer(seal(b""), 0).verify()


def test_the_same_plaintext_never_seals_to_the_same_bytes() -> None:
    assert seal(b"the same")[HEADER_BYTES:] != seal(b"the same")[HEADER_BYTES:]


def test_a_sealer_takes_whatever_buffers_come() -> None:
    out = io.BytesIO()
    sealer = Sealer(KEY, aad=AAD, sink=out.write)
    for piece in (b"one ", bytearray(b"two "), memoryview(b"xthreex")[1:-1]):
        sealer.write(piece)
    sealer.finish()
    assert unseal(out.getvalue(), 13) == b"one two three"


def test_a_sealer_may_have_its_buffer_overwritten_between_writes() -> None:
    out = io.BytesIO()
    sealer = Sealer(KEY, aad=AAD, sink=out.write)
    buffer = bytearray(1000)
    for filler in b"abc":
        buffer[:] = bytes([filler]) * 1000
        sealer.write(buffer)
    sealer.finish()
    assert unseal(out.getvalue(), 3000) == b"a" * 1000 + b"b" * 1000 + b"c" * 1000


def test_a_sealer_hands_on_bounded_pieces() -> None:
    sizes: list[int] = []
    sealer = Sealer(KEY, aad=AAD, sink=lambda piece: sizes.append(len(piece)))
    sealer.write(bytes(20 * SEGMENT_BYTES))
    sealer.finish()
    assert max(sizes) <= 16 * SEGMENT_BYTES


# The six tamper cases, and the trap.

Change = Callable[[bytes], bytes]
THREE = FIRST + 2 * ROOM_BYTES  # exactly three segments
TAMPERED: dict[str, Change] = {
    "a bit flipped in the body": lambda s: s[:70_000] + bytes([s[70_000] ^ 1]) + s[70_001:],
    "a bit flipped in the header": lambda s: s[:20] + bytes([s[20] ^ 1]) + s[21:],
    "a bit flipped in the last tag": lambda s: s[:-1] + bytes([s[-1] ^ 128]),
    "cut off at the edge of a segment": lambda s: s[: 2 * SEGMENT_BYTES],
    "cut off inside a segment": lambda s: s[: 2 * SEGMENT_BYTES + 1000],
    "two segments swapped": lambda s: (
        s[:SEGMENT_BYTES] + s[2 * SEGMENT_BYTES :] + s[SEGMENT_BYTES : 2 * SEGMENT_BYTES]
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_tampered_with_is_refused(how: str) -> None:
    sealed = TAMPERED[how](seal(PLAIN[:THREE]))
    with pytest.raises(Broken):
        unseal(sealed, THREE)
    with pytest.raises(Broken):
        unsealer(sealed, THREE).verify()


def test_bytes_appended_are_refused_at_the_size_they_pretend_to() -> None:
    sealed = seal(PLAIN[:THREE]) + os.urandom(1000)
    with pytest.raises(Altered):
        unseal(sealed, THREE + 1000 - TAG_BYTES)


def test_a_segment_appended_from_another_object_is_refused() -> None:
    sealed = seal(PLAIN[:THREE])
    with pytest.raises(Altered):
        unseal(sealed + sealed[SEGMENT_BYTES:], THREE + 2 * ROOM_BYTES)


def test_bytes_of_another_object_are_refused() -> None:
    sealed = seal(PLAIN[:THREE], aad=b"medstack-part-1|another")
    with pytest.raises(Altered):
        unseal(sealed, THREE)


def test_an_object_cut_to_fewer_whole_segments_is_refused_at_the_smaller_size_too() -> None:
    sealed = seal(PLAIN[:THREE])[: 2 * SEGMENT_BYTES]
    with pytest.raises(Altered):
        unseal(sealed, FIRST + ROOM_BYTES)


def test_an_intact_segment_of_a_shortened_object_authenticates_so_callers_compare_sizes() -> None:
    """The trap: this is why Vault.open compares the size of the object with its row."""
    shortened = seal(PLAIN[:THREE])[:-1]
    assert unsealer(shortened, THREE).read_at(0, 10) == PLAIN[:10]
    with pytest.raises(WrongSize):
        unsealer(shortened, THREE).read_at(THREE - 1, 1)


def test_any_single_bit_matters() -> None:
    sealed = seal(b"short")
    for at in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[at // 8] ^= 1 << (at % 8)
        with pytest.raises(Altered):
            unseal(bytes(flipped), 5)
