"""What the doctor says of the walls around parsers."""

from __future__ import annotations

from medstack.cli.doctor import walls_examined
from medstack.worker.sandbox import Layers


def test_a_wall_that_stands_is_called_on_also_when_it_tells_its_version() -> None:
    layers: Layers = {"seccomp": True, "landlock": "abi 4", "namespaces": "Operation not permitted"}
    assert [(one.is_missing, one.says) for one in walls_examined(layers)] == [
        (False, "on"),
        (False, "on, abi 4"),
        (True, "off: Operation not permitted"),
    ]
