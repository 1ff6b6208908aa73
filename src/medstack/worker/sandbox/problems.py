"""What a child may make the parent raise: known refusals of a file, and nothing else.

A child that a file has taken over can send any words. Only leaves about the file itself cross
(Invalid, Unsupported, TooLarge), and what they carry is cut to short printable text.
"""

from __future__ import annotations

import re

from medstack.kit import errors
from medstack.kit.errors import Fact, Problem
from medstack.worker.sandbox.wire import Malformed, Raised

ABOUT_A_FILE = (errors.Invalid, errors.Unsupported, errors.TooLarge)
_DETAIL_CHARS = 500
_FACT_CHARS = 200
_FACTS = 16
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


def problem_of(raised: Raised) -> Problem:
    """Turn what crossed into the same leaf again. Raises Malformed for any other word."""
    named = [leaf for leaf in errors.leaves() if leaf.code == raised.code]
    if len(named) != 1 or not issubclass(named[0], ABOUT_A_FILE):
        raise Malformed
    if len(raised.facts) > _FACTS or not all(_NAME.match(name) for name in raised.facts):
        raise Malformed
    facts = {name: _short(value) for name, value in raised.facts.items()}
    return named[0](_printable(raised.detail, _DETAIL_CHARS), **facts)


def _short(value: Fact) -> Fact:
    if isinstance(value, str):
        return _printable(value, _FACT_CHARS)
    if isinstance(value, tuple):
        return tuple(_printable(part, _FACT_CHARS) for part in value[:_FACTS])
    return value


def _printable(text: str, most: int) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:most]).strip()
