"""Commands that look at a vault, pointed at a folder that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from medstack import cli


@pytest.mark.parametrize(
    "command",
    ["check", "audit verify", "audit checkpoint", "token create a@b.test", "import x --patient P1"],
)
def test_looking_at_a_vault_that_is_not_there_is_refused_and_makes_none(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "mistyped"
    assert cli.main([*command.split(), "--data", str(nowhere)]) == 1
    assert "code: no-vault" in capsys.readouterr().err
    assert not nowhere.exists()


def test_a_copy_of_a_vault_knows_checkpoints_signed_after_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    from medstack import wiring
    from medstack.settings import Settings

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    live, copy, kept = tmp_path / "live", tmp_path / "copy", tmp_path / "kept"
    wiring.prepare(Settings(data=live))
    shutil.copytree(live, copy)
    assert cli.main(["audit", "checkpoint", "--data", str(live)]) == 0
    kept.write_text(capsys.readouterr().out)
    assert cli.main(["audit", "verify", "--checkpoint", str(kept), "--data", str(copy)]) == 0
