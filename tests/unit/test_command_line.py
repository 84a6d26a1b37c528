"""The command line where it needs no database: what is wrong before anything is opened."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from bot.__main__ import cli


def test_a_wrong_configuration_is_json_too_for_whoever_asked_for_it(tmp_path: Path) -> None:
    """A script reads standard output, whatever went wrong; a person finds it on standard error."""
    file = tmp_path / "facteur.toml"
    file.write_text('language = "xx"\nnothing = 1\n')
    done = CliRunner().invoke(cli, ["--config", str(file), "do", "/lists", "--json"])
    assert done.exit_code == 2
    said = json.loads(done.stdout)
    assert {"ok": False, "rows": [], "file": None}.items() <= said.items()
    for key in ("language", "nothing"):
        assert key in said["text"]
        assert key in done.stderr
