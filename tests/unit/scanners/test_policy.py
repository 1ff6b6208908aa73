"""What is done about what was found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from medstack.kit.zipwalk import Flaw
from medstack.scanners import signatures
from medstack.scanners.contract import Outcome, Verdict
from medstack.scanners.policy import BY_OUTCOME, BY_SIGNATURE, Action, Policy, decide


def verdict(outcome: Outcome, signature: str = "") -> Verdict:
    return Verdict(outcome=outcome, engine="x", version="1", signature=signature)


@pytest.mark.parametrize(
    ("outcome", "signature", "action"),
    [
        (Outcome.CLEAN, "", Action.PASS),
        (Outcome.INFECTED, "Eicar-Test-Signature", Action.QUARANTINE),
        (Outcome.INFECTED, "pdf.javascript", Action.QUARANTINE),
        (Outcome.FORBIDDEN, "executable.windows", Action.REJECT),
        (Outcome.FORBIDDEN, "script.html", Action.REJECT),
        (Outcome.FORBIDDEN, "executable.embedded", Action.HOLD),
        (Outcome.FORBIDDEN, "zip.bomb", Action.REJECT),
        (Outcome.ACTIVE, "office.macro", Action.HOLD),
        (Outcome.ACTIVE, "pdf.launch", Action.HOLD),
        (Outcome.ACTIVE, "pdf.javascript", Action.PASS),
        (Outcome.LIMIT, "pdf.encrypted", Action.HOLD),
        (Outcome.LIMIT, "zip.encrypted", Action.HOLD),
        (Outcome.LIMIT, "Heuristics.Limits.Exceeded.MaxFiles", Action.HOLD),
        (Outcome.UNAVAILABLE, "", Action.HOLD),
        (Outcome.ERROR, "clamd.reply", Action.HOLD),
    ],
)
def test_the_shipped_policy(outcome: Outcome, signature: str, action: Action) -> None:
    assert decide((verdict(outcome, signature),)).action is action


def test_the_gravest_action_wins_and_the_rest_is_noted() -> None:
    script = verdict(Outcome.ACTIVE, "pdf.javascript")
    launch = verdict(Outcome.ACTIVE, "pdf.launch")
    decision = decide((script, launch, verdict(Outcome.CLEAN)))
    assert decision.action is Action.HOLD
    assert decision.because == (launch,)
    assert decision.notes == (script,)


def test_a_clean_file_has_no_reason_and_no_note() -> None:
    decision = decide((verdict(Outcome.CLEAN),))
    assert (decision.because, decision.notes) == ((), ())


def test_what_passes_is_still_said() -> None:
    script = verdict(Outcome.ACTIVE, "pdf.javascript")
    assert decide((script,)).because == (script,)


def test_nobody_having_looked_is_a_hold() -> None:
    assert decide(()).action is Action.HOLD


@pytest.mark.parametrize("key", ["pdf.javascript", "pdf.*", "active"])
def test_a_clinic_may_be_stricter(key: str) -> None:
    policy = Policy(own={key: Action.REJECT})
    script = verdict(Outcome.ACTIVE, "pdf.javascript")
    assert decide((script,), policy).action is Action.REJECT


def test_a_clinics_exact_rule_beats_its_rule_for_the_family() -> None:
    policy = Policy(own={"pdf.*": Action.REJECT, "pdf.javascript": Action.DISARM})
    script = verdict(Outcome.ACTIVE, "pdf.javascript")
    assert decide((script,), policy).action is Action.DISARM


def test_only_waiting_for_an_engine_is_told_from_waiting_for_a_person() -> None:
    silent, macro = verdict(Outcome.UNAVAILABLE), verdict(Outcome.ACTIVE, "office.macro")
    assert decide((silent,)).is_waiting_for_engine
    assert not decide((silent, macro)).is_waiting_for_engine
    assert not decide(()).is_waiting_for_engine


def test_every_outcome_has_an_action() -> None:
    assert set(BY_OUTCOME) == set(Outcome)


def test_every_rule_says_what_it_means_and_where_it_comes_from() -> None:
    for name, text in signatures._sources().items():
        assert "Source" in text, name
        rules = re.findall(
            r"^rule (\w+)\n\{\n  meta:\n(.*?)\n  (?:strings|condition):", text, re.M | re.S
        )
        assert len(rules) == len(re.findall(r"^rule ", text, re.M)), name
        for rule, meta in rules:
            told = dict(re.findall(r'(\w+) = "([^"]+)"', meta))
            assert set(told) == {"outcome", "signature"}, rule
            Outcome(told["outcome"])


def test_every_signature_with_an_action_of_its_own_exists() -> None:
    source = "".join(signatures._sources().values())
    from medstack.scanners import office, pdf

    known = set(re.findall(r'signature = "([^"]+)"', source))
    known |= {*pdf._ACTIONS.values(), *pdf._KEYS.values(), "pdf.unreadable", "pdf.encrypted"}
    known |= {told for _, told in office._BY_NAME} | {"office.local-template", "zip.damaged"}
    known |= {str(flaw) for flaw in Flaw}
    assert set(BY_SIGNATURE) <= known


def test_the_documentation_tells_the_shipped_policy() -> None:
    page = Path(__file__).parents[3] / "docs" / "malware-scanning.md"
    told = re.findall(
        r"^\| ([\w.-]+) \| (quarantine|reject|hold|disarm|pass) \|$", page.read_text(), re.M
    )
    shipped = {str(key): str(action) for key, action in (BY_OUTCOME | BY_SIGNATURE).items()}
    assert dict(told) == shipped
