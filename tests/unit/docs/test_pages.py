"""What README and the pages point at is there: files, headings, commands, extension points."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.unit.docs.pages import ROOT, codes, first_codes, page, rows, section

from medstack.cli import parser

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST_PICTURE = 300 * 1024


def anchors(path: Path) -> set[str]:
    """The addresses of a page's headings, as its readers' programs make them."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@every_page
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        found = path.parent / name if name else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@every_page
def test_every_page_can_be_reached_from_the_first(path: Path) -> None:
    assert path.name == "README.md" or f"](docs/{path.name})" in README


@every_page
def test_every_make_command_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"^make ([a-z]+)", text, re.MULTILINE) + re.findall(r"`make ([a-z]+)`", text)
    assert set(named) <= targets


def spoken(text: str) -> list[str]:
    """The `medstack …` command lines of a page's examples and sentences."""
    lines = [line for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S) for line in
             block.splitlines()]  # fmt: skip
    lines += [code for code in codes(text.replace("```", "")) if " --data " in code]
    found = (re.match(r"(?:\.venv/bin/)?medstack (.+?)(?: >.*)?$", line) for line in lines)
    return [match[1] for match in found if match]


@every_page
def test_every_command_line_can_be_understood(path: Path) -> None:
    for line in spoken(path.read_text(encoding="utf-8")):
        parser().parse_args(shlex.split(line))


def test_the_readme_shows_command_lines() -> None:
    assert len(spoken(README)) >= 5


def test_every_extension_point_is_told_and_every_file_named_exists() -> None:
    text = page("extending.md")
    house = ROOT / "src" / "medstack"
    contracts = {str(path.relative_to(ROOT)) for path in house.rglob("contract.py")}
    points = rows(text.partition("\n## ")[0])
    assert {codes(cells[1])[0] for cells in points} == contracts
    for code in codes(text):
        if "/" in code and "<" not in code and " " not in code:
            assert (ROOT / code).exists(), code


def test_every_list_and_suite_named_for_an_extension_point_holds_it() -> None:
    for _, contract, where, suite in rows(page("extending.md").partition("\n## ")[0]):
        file, name = codes(where)
        assert re.search(rf"\b{name}\b", (ROOT / file).read_text())
        module = codes(contract)[0].removeprefix("src/").removesuffix("/contract.py")
        assert module.replace("/", ".") in (ROOT / codes(suite)[0]).read_text()


def test_the_glossary_has_each_word_once_and_in_order() -> None:
    words = [cells[0] for cells in rows(page("glossary.md"))]
    assert words == sorted(set(words), key=str.casefold)


def test_the_picture_is_small_enough_to_clone() -> None:
    assert 0 < (ROOT / "docs" / "pictures" / "status.png").stat().st_size <= LONGEST_PICTURE


def test_every_changelog_fragment_is_of_a_kind_towncrier_knows() -> None:
    import tomllib

    kinds = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
    known = {kind["directory"] for kind in kinds}
    for fragment in (ROOT / "changelog.d").glob("*.md"):
        assert fragment.name.split(".")[-2] in known, fragment.name
        assert fragment.read_text().strip(), fragment.name


def test_the_settings_named_on_any_page_exist() -> None:
    from dataclasses import fields

    from medstack.settings import Settings

    known = {f"MEDSTACK_{spec.name.upper()}" for spec in fields(Settings)} | {"MEDSTACK_CONFIG"}
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"MEDSTACK_[A-Z_]+", text)) - {"MEDSTACK_"} <= known, path.name


def test_first_codes_reads_the_first_cell_only() -> None:
    assert first_codes("| a | b |\n|---|---|\n| `x` | `y` |\n") == ["x"]


def test_a_section_ends_where_the_next_of_its_rank_begins() -> None:
    assert section("# A\none\n## B\ntwo\n### C\nthree\n## D\nfour\n", "B") == "two\n### C\nthree\n"
