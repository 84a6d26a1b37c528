from __future__ import annotations

from pathlib import Path

from bot.chat.manual import manual

COMMANDS = Path(__file__).parents[3] / "docs" / "commands.md"


def test_the_documentation_is_what_the_commands_say() -> None:
    """If this fails: make docs."""
    assert COMMANDS.read_text(encoding="utf-8") == manual()
