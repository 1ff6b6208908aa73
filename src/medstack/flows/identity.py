"""Does a file's own header name the patient it was given to?

Pure comparison of words in memory. Nothing compared here is kept or logged; the answer is a
code. Devices write names in their own spelling and chart numbers of their own, so only a clear
contradiction counts.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from medstack.formats.contract import ClaimedPatient
from medstack.people import Demographics

_NOBODY = frozenset(
    {"anonymous", "anonymized", "anonymised", "anon", "deidentified", "unknown", "none", "noname"}
)
_NOT_A_LETTER = re.compile(r"[^\w]+|_")


class Agreement(StrEnum):
    SILENT = "silent"  # the file names nobody
    AGREES = "agrees"
    CONTRADICTS = "contradicts"


def compare(
    claimed: ClaimedPatient | None, patient: Demographics, *, chart_number: str
) -> Agreement:
    """Compare a header with a chart.

    A known birth date that differs contradicts. So do names that share neither family nor given
    name, unless chart number and birth date both agree (people change their names).
    """
    if claimed is None:
        return Agreement.SILENT
    born = str(patient.birth_date or "")
    is_born_alike = bool(claimed.birth_date and born and claimed.birth_date == born)
    if claimed.birth_date and born and not is_born_alike:
        return Agreement.CONTRADICTS
    names = _words(claimed.family_name) | _words(claimed.given_name)
    if not names or names <= _NOBODY:
        return Agreement.AGREES if is_born_alike else Agreement.SILENT
    is_same_chart = _plain(claimed.patient_id) == _plain(chart_number)
    if _is_same_person(claimed, patient) or (is_same_chart and is_born_alike):
        return Agreement.AGREES
    return Agreement.CONTRADICTS


def _is_same_person(claimed: ClaimedPatient, patient: Demographics) -> bool:
    """Family names share a word; given names, where both are known, share one or an initial."""
    ours = _words(patient.family_name), _words(patient.given_name)
    theirs = _words(claimed.family_name), _words(claimed.given_name)
    if not theirs[0] or not theirs[1]:  # some devices write the whole name in one component
        return bool((theirs[0] | theirs[1]) & ours[0])
    if _alike(ours, theirs):
        return True
    return _alike(ours, (theirs[1], theirs[0]))  # components swapped at the console


def _alike(ours: tuple[set[str], set[str]], theirs: tuple[set[str], set[str]]) -> bool:
    if not ours[0] & theirs[0]:
        return False
    if not ours[1] or ours[1] & theirs[1]:
        return True
    initials = {word[0] for word in ours[1]}
    return any(len(word) == 1 and word in initials for word in theirs[1])


def _words(name: str) -> set[str]:
    return {word for word in map(_plain, _NOT_A_LETTER.split(name)) if word}


def _plain(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return _NOT_A_LETTER.sub("", letters)
