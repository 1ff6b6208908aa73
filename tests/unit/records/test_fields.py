from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.records.fields import (
    TAGS,
    BadField,
    check_description,
    check_line,
    check_original_name,
    check_said,
    check_tags,
    check_text,
    fold_tag,
)
from medstack.records.model import Said
from medstack.records.words import distinct_words, query_words, spans, words_of

HOSTILE = [
    "'; DROP TABLE records; --",
    "<script>alert(1)</script>",
    "${7*7}",
    "../../etc/passwd",
    "%00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_and_html_are_just_text(text: str) -> None:
    assert check_description(text) == text
    assert check_original_name(text) == text
    assert check_tags((text,)) == (text,)


@pytest.mark.parametrize("text", ["a\0b", "bell\a", "lone \ud800 half", "esc\x1b[2J"])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(BadField) as refusal:
        check_description(text)
    assert refusal.value.facts == {"field": "description", "rule": "characters"}


@pytest.mark.parametrize("name", ["photo\u202egpj.exe", "a\nb.jpg", "\u2066x\u2069.pdf"])
def test_a_file_name_cannot_turn_the_writing_direction_or_break_the_line(name: str) -> None:
    with pytest.raises(BadField):
        check_original_name(name)


@pytest.mark.parametrize("name", ["", "   "])
def test_a_file_needs_a_name(name: str) -> None:
    with pytest.raises(BadField) as refusal:
        check_original_name(name)
    assert refusal.value.facts["rule"] == "empty"


def test_a_field_is_taken_to_its_last_character_and_no_further() -> None:
    assert check_text("notes", "x" * 10, longest=10) == "x" * 10
    with pytest.raises(BadField) as refusal:
        check_text("notes", "x" * 11, longest=10)
    assert refusal.value.facts == {"field": "notes", "rule": "length", "limit": 10}


@given(st.text())
def test_a_refusal_never_repeats_what_was_typed(text: str) -> None:
    try:
        checked = check_line("name", text, longest=5)
    except BadField as refusal:
        assert str(refusal) in (
            "The field name takes at most 5 characters.",
            "The field name holds characters that are not text.",
        )
    else:
        assert unicodedata.is_normalized("NFC", checked)


def test_two_spellings_of_a_tag_are_one_and_the_first_is_kept() -> None:
    assert check_tags((" Follow  up", "follow up", "FOLLOW UP", "Stra\u00dfe", "strasse")) == (
        "Follow up",
        "Straße",
    )


@pytest.mark.parametrize("tags", [("",), (" ",), ("a,b",), ("x" * 65,), ("a\nb",)])
def test_a_tag_is_one_to_sixty_four_characters_on_a_line_without_a_comma(tags: tuple[str]) -> None:
    with pytest.raises(BadField):
        check_tags(tags)


def test_a_record_takes_fifty_tags() -> None:
    check_tags(tuple(str(n) for n in range(TAGS)))
    with pytest.raises(BadField):
        check_tags(tuple(str(n) for n in range(TAGS + 1)))


@given(st.lists(st.text(max_size=20), max_size=5))
def test_checking_tags_twice_changes_nothing(tags: list[str]) -> None:
    try:
        once = check_tags(tuple(tags))
    except BadField:
        return
    assert check_tags(once) == once
    assert len({fold_tag(tag) for tag in once}) == len(once)


@pytest.mark.parametrize("date", ["2024-12-06", "2024-12-06T10:11:12", "2024-12-06T10:11:12+02:00"])
def test_a_capture_date_is_an_iso_date_as_given(date: str) -> None:
    assert check_said(Said(captured_at=date)).captured_at == date


@pytest.mark.parametrize("date", ["06.12.2024", "2024-13-01", "yesterday"])
def test_any_other_capture_date_is_refused(date: str) -> None:
    with pytest.raises(BadField) as refusal:
        check_said(Said(captured_at=date))
    assert refusal.value.facts == {"field": "captureDate", "rule": "format"}


def test_what_people_say_is_refused_by_its_name_on_the_wire() -> None:
    with pytest.raises(BadField) as refusal:
        check_said(Said(body_part="x" * 101))
    assert refusal.value.facts["field"] == "bodyPart"


def test_empty_text_says_nothing() -> None:
    assert check_said(Said(notes="", procedure="")) == Said()


# --- words


def test_words_have_no_case_and_no_accents() -> None:
    assert list(words_of("Röntgen-Übersicht ZAHN_36 ﬁnal")) == [
        "rontgen",
        "ubersicht",
        "zahn",
        "36",
        "final",
    ]


def test_a_file_name_falls_into_its_parts() -> None:
    assert list(words_of("P001234_XRAY_20241206_001.jpg")) == [
        "p001234",
        "xray",
        "20241206",
        "001",
        "jpg",
    ]


def test_an_ideograph_is_a_word_of_its_own() -> None:
    assert list(words_of("牙科X光")) == ["牙", "科", "x", "光"]


@given(st.text())
def test_a_word_is_made_of_letters_and_digits_only(text: str) -> None:
    for word in words_of(text):
        assert word.isalnum() or all(
            not unicodedata.category(c).startswith(("Z", "C")) for c in word
        )
        assert not set(word) & set(" \"'*:^\\()-+{}|&!<>_")


@given(st.text())
def test_a_text_is_found_by_its_own_words(text: str) -> None:
    assert set(query_words(text)) <= set(distinct_words(text))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_folding_is_stable_so_index_and_query_agree(text: str) -> None:
    words = tuple(words_of(text))
    assert tuple(words_of(" ".join(words))) == words


def test_marks_stand_on_the_words_that_were_met() -> None:
    text = "Große Röntgenaufnahme, Zahn 36"
    marked = [text[a:b] for a, b in spans(text, "zahn ron")]
    assert marked == ["Röntgenaufnahme", "Zahn"]


@given(st.text(max_size=80), st.text(max_size=10))
def test_marks_lie_inside_the_text_and_in_order(text: str, query: str) -> None:
    marks = spans(text, query)
    ends = [0, *(place for mark in marks for place in mark)]
    assert ends == sorted(ends)
    assert ends[-1] <= len(text)
