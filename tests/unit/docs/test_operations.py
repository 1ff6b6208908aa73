"""docs/operations.md lists every setting, rule and command as they are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields

import pytest
from tests.unit.docs.pages import codes, first_codes, page, rows, section

from medstack.access.policies import MB, SHIPPED
from medstack.cli import parser
from medstack.settings import Settings

OPERATIONS = page("operations.md")
UNITS = {"MB": MB, "s": 1}


def as_written(default: object) -> str:
    """A setting's default as an operator would write it."""
    if isinstance(default, bool):
        return str(default).lower()
    return str(default)


def test_every_setting_is_told_with_its_default_and_its_words() -> None:
    told = [
        (codes(name)[0], "".join(codes(default)), says)
        for name, default, says in rows(section(OPERATIONS, "Settings"))
    ]
    assert told == [
        (spec.name, as_written(spec.default), spec.metadata["says"]) for spec in fields(Settings)
    ]


def commands(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that does something, by the words that lead to it."""
    below = [a for a in top._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield top.prog, top
    for actions in below:
        for command in actions.choices.values():
            yield from commands(command)


def shape(command: argparse.ArgumentParser) -> tuple[list[str], set[str]]:
    """Its positional words, and its options beside --help and --data."""
    arguments = [a for a in command._actions if not a.option_strings]
    options = {o for a in command._actions for o in a.option_strings if o.startswith("--")}
    return [str(a.metavar) for a in arguments], options - {"--help", "--data"}


def test_every_command_and_option_is_told() -> None:
    real = {
        " ".join([name, *words]): options
        for name, command in commands(parser())
        for words, options in [shape(command)]
    }
    told = {
        codes(command)[0]: set(codes(options))
        for command, options, _ in rows(section(OPERATIONS, "Commands"))
    }
    assert told == real


def test_every_command_takes_the_data_folder_as_the_page_says() -> None:
    for name, command in commands(parser()):
        assert "--data" in {o for a in command._actions for o in a.option_strings}, name


def test_every_rule_of_the_practice_is_told_as_it_ships() -> None:
    told = {
        codes(name)[0]: ships
        for name, ships, _ in rows(section(OPERATIONS, "Rules of the practice"))
    }
    assert told.keys() == SHIPPED.all().keys()
    for name, ships in told.items():
        value = SHIPPED.all()[name]
        if isinstance(value, bool):
            assert ships == ("on" if value else "off"), name
        else:
            number, unit = ships.split()
            assert int(number) * UNITS[unit] == value, name


@pytest.mark.parametrize("code", first_codes(section(OPERATIONS, "When something is wrong")))
def test_what_an_operator_is_told_to_look_for_exists(code: str) -> None:
    from tests.unit.docs.test_api import every_problem

    known = {problem.code for problem in every_problem()}
    titles = {problem.title for problem in every_problem()}
    said = code.removeprefix("medstack: ")
    assert said in known | titles | {"held", "check", "audit verify", "scanner-unavailable"}
