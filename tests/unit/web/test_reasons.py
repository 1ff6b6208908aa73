"""What a person is told when a file was stopped."""

from __future__ import annotations

import re

import pytest
from tests.unit.docs.pages import codes, page, rows, section

from medstack.flows.tending import PASSING
from medstack.formats import contract
from medstack.jobs.rules import POISONED, UNEXPECTED
from medstack.scanners.contract import Outcome
from medstack.web.wire.reasons import OTHERWISE, SENTENCES, sentence_for

OF_THE_CONTENT = (
    contract.Ambiguous,
    contract.Damaged,
    contract.Empty,
    contract.Encrypted,
    contract.Excessive,
    contract.Mismatch,
    contract.Unrecognised,
)


def test_every_reason_the_documents_name_has_its_sentence() -> None:
    told = {codes(row[0])[0] for row in rows(section(page("api.md"), "Reasons a record stopped"))}
    assert told - set(SENTENCES) == {POISONED, UNEXPECTED}


def test_everything_that_can_be_wrong_with_a_content_has_its_sentence() -> None:
    said = {f"scan-{outcome}" for outcome in Outcome if outcome is not Outcome.CLEAN}
    assert said | {leaf.code for leaf in OF_THE_CONTENT} | PASSING <= set(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_says_what_was_wrong_and_what_happens_now(code: str) -> None:
    assert len(re.findall(r"[.](?:\s|$)", SENTENCES[code])) >= 2


def test_what_nobody_foresaw_is_said_too_and_nothing_where_nothing_stopped() -> None:
    assert sentence_for(UNEXPECTED) == OTHERWISE
    assert sentence_for(None) is None
    assert sentence_for("") is None
