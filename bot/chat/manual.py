"""The table of commands for the documentation: ``python -m bot.chat.manual > docs/commands.md``."""

from __future__ import annotations

import sys

from bot.chat.registry import Command, commands
from bot.core.people import Rank
from bot.core.settings import ListSettings
from bot.core.telling import allowed, shown

_RANKS = {
    Rank.ANYONE: "anyone",
    Rank.MODERATOR: "moderator",
    Rank.OWNER: "owner",
    Rank.ADMIN: "admin",
}

_HEAD = """\
# Commands

This file is made by `make docs` from the commands themselves.

In the terminal a command starts with `/` or `!`; `facteur do '/lists'` runs the same commands from a
script, with `--json` for data. `LIST` is a list's address or what stands before its `@`, and may be
left out where there is just one list. `TARGET` is a `LIST` or a group such as `@contrat-legumes`, `WHO`
an address, `Name <address>` or (for a role) a group. `ID` is the number of a post. Quotation marks keep
blanks together: `description="Vegetables on Thursday"`. What stands in brackets may be left out.

| command | for | what it does |
| --- | --- | --- |
"""

_SETTINGS = """
Some uses take more than the table says: settings of the accounts, accepting another certificate, and
defaults for `all` lists, are the administrators'; a ban of a pattern is an owner's, one on every list
an administrator's, and so is who is in a group.

## Settings of a list

`/set LIST key=value` changes them, `/set all key=value` changes the default of every list without a
value of its own.

| key | values | default | meaning |
| --- | --- | --- | --- |
"""


def manual() -> str:
    """Markdown, the same at each run."""
    table = "".join(map(_row, commands().values()))
    return _HEAD + table + _SETTINGS + "".join(map(_setting, ListSettings.model_fields))


def _row(command: Command) -> str:
    return f"| `{_escaped(str(command.usage))}` | {_RANKS[command.rank]} | {command.summary} |\n"


def _setting(key: str) -> str:
    field = ListSettings.model_fields[key]
    default = shown(ListSettings(), key)
    shown_default = f"`{_escaped(default)}`" if default else ""
    return f"| `{key}` | {_escaped(str(allowed(key)))} | {shown_default} | {field.description} |\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(manual())
