"""Signed notes against the published example, and against everything that is no note."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.audit import BadCheckpoint, Signer, Verifier, read_checkpoint
from medstack.audit.notes import write_checkpoint

# Source: the example key and note in the documentation of Go's golang.org/x/mod/sumdb/note.
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
EXAMPLE_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
EXAMPLE_NOTE = (
    EXAMPLE_TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

SIGNER = Signer(name="medstack.test/audit", seed=bytes(32))
NOTE = write_checkpoint(SIGNER, size=17, root=bytes(range(32)))


def test_the_published_example_opens() -> None:
    assert Verifier.from_text(EXAMPLE_KEY).open(EXAMPLE_NOTE) == EXAMPLE_TEXT


def test_the_published_key_signs_the_published_note() -> None:
    signer = Signer(name="PeterNeumann", seed=base64.b64decode(EXAMPLE_SEED)[1:])
    assert signer.sign(EXAMPLE_TEXT) == EXAMPLE_NOTE


def test_a_public_key_reads_back_from_its_text() -> None:
    assert Verifier.from_text(str(SIGNER.verifier)) == SIGNER.verifier


def test_a_checkpoint_says_what_was_signed() -> None:
    stated = read_checkpoint(NOTE, SIGNER.verifier)
    assert (stated.origin, stated.size, stated.root) == (SIGNER.name, 17, bytes(range(32)))


@given(st.data())
def test_a_checkpoint_with_one_letter_changed_never_states_anything_else(
    data: st.DataObject,
) -> None:
    at = data.draw(st.integers(0, len(NOTE) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda c: c != NOTE[at]))
    with pytest.raises(BadCheckpoint):
        read_checkpoint(NOTE[:at] + letter + NOTE[at + 1 :], SIGNER.verifier)


def test_a_signature_written_with_other_spare_bits_is_not_ours() -> None:
    last = max(place for place, letter in enumerate(NOTE) if letter.isalnum())
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    neighbour = letters[letters.index(NOTE[last]) ^ 1]
    with pytest.raises(BadCheckpoint):
        read_checkpoint(NOTE[:last] + neighbour + NOTE[last + 1 :], SIGNER.verifier)


@given(st.text())
def test_no_text_at_all_makes_the_reader_stumble(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        read_checkpoint(text, SIGNER.verifier)


@given(st.text())
def test_no_text_at_all_makes_the_key_reader_stumble(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        Verifier.from_text(text)


def test_another_key_of_the_same_name_does_not_open_it() -> None:
    other = Signer(name=SIGNER.name, seed=bytes([1]) * 32)
    with pytest.raises(BadCheckpoint):
        read_checkpoint(NOTE, other.verifier)


@pytest.mark.parametrize("size", ["01", "-1", "+1", "1e3", "", "9" * 5000])
def test_a_signed_size_that_is_no_plain_number_is_refused(size: str) -> None:
    root = base64.b64encode(bytes(32)).decode()
    with pytest.raises(BadCheckpoint):
        read_checkpoint(SIGNER.sign(f"{SIGNER.name}\n{size}\n{root}\n"), SIGNER.verifier)


def test_a_signer_never_shows_its_seed() -> None:
    assert "seed" not in repr(Signer(name="a", seed=bytes(32)))
