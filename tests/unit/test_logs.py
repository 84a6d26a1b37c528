"""Logs tell what happened, never a secret or a mail."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path

import pytest
import structlog

from bot.logs import log_to

SECRET = "correct-horse-battery"


def crash() -> None:
    password = [SECRET]
    try:
        password[1]
    except IndexError:
        structlog.get_logger().exception("crashed", part="test")


@pytest.fixture(autouse=True)
def _restored() -> object:
    """Other tests log as they did before."""
    yield
    structlog.reset_defaults()


def test_a_traceback_has_no_values_of_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program reads the log, it is one JSON object a line."""
    with (tmp_path / "log").open("w") as file:
        monkeypatch.setattr("sys.stderr", file)
        log_to()
        crash()

    [line] = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line)["event"] == "crashed"
    assert "IndexError" in line
    assert SECRET not in line


def test_nor_has_one_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        log_to()
        crash()
        shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert "IndexError" in shown
    assert SECRET not in shown
