"""docs/architecture.md says what the code does."""

from __future__ import annotations

import tomllib

from tests.unit.docs.pages import ROOT, codes, page, rows, section

from medstack.records.rules import RELEASED_TO, TRANSITIONS

ARCHITECTURE = page("architecture.md")


def test_the_floors_are_those_the_build_enforces() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layered,) = (one for one in contracts["contracts"] if one["type"] == "layers")
    enforced = [layer.split(" | ") for layer in layered["layers"]]
    assert [codes(cells[0]) for cells in rows(section(ARCHITECTURE, "Floors"))] == enforced
    assert layered["exhaustive"], "a room nobody placed must break the build"


def test_every_room_stands_on_a_floor() -> None:
    told = {room for cells in rows(section(ARCHITECTURE, "Floors")) for room in codes(cells[0])}
    house = ROOT / "src" / "medstack"
    here = {path.stem for path in house.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert told == {name for name in here if name not in ("__init__", "__pycache__")}


def test_the_table_of_states_is_the_one_that_is_enforced() -> None:
    before_releases = section(ARCHITECTURE, "Where a record stands").partition("\n### ")[0]
    told = {
        tuple(code for cell in cells for code in codes(cell)) for cells in rows(before_releases)
    }
    assert told == {
        (status.value, step.value, following.value)
        for status, steps in TRANSITIONS.items()
        for step, following in steps.items()
    }


def test_a_released_record_goes_on_where_the_page_says() -> None:
    table = rows(section(ARCHITECTURE, "Released by a person"))
    told = {codes(stopped)[0]: codes(goes_on)[0] for stopped, goes_on in table}
    assert told == {stopped.value: goes_on.value for stopped, goes_on in RELEASED_TO.items()}
