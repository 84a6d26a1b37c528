"""Sheets that people hand in, and those that wait for a word of confirmation."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from pathlib import Path

from bot.chat.desk import Call, Desk
from bot.core.errors import UserError
from bot.core.rosters import Table
from bot.core.text import Text

_SAVED = re.compile(r"saved:([0-9a-f]{16})")
_KEPT_S = 24 * 3600
"""How long a sheet waits for its confirmation."""


async def handed_in(desk: Desk, call: Call, path: str) -> Table:
    """The sheet sent along; in the terminal that of a path; or one that was kept for a confirmation."""
    saved = _SAVED.fullmatch(path)
    if saved:
        try:
            content = await asyncio.to_thread((desk.installation.imports / saved[1]).read_bytes)
        except OSError:
            raise UserError(Text("This sheet is no longer here: please send it again.")) from None
        return await desk.sheets.read(path, content)
    if call.files:
        return await desk.sheets.read(call.files[0].name, call.files[0].content)
    if path and call.speaker.is_login:
        return await desk.sheets.load(path)
    raise UserError(Text("Please send the sheet (CSV, XLSX or ODS), and reply to it with the command."))


async def kept(desk: Desk, call: Call, path: str) -> str:
    """How a later line names the sheet; one that was sent along is kept for it."""
    if _SAVED.fullmatch(path) or not call.files:
        return path
    folder, old = desk.installation.imports, time.time() - _KEPT_S
    return await asyncio.to_thread(_save, folder, call.files[0].content, old)


def _save(folder: Path, content: bytes, old: float) -> str:
    """Keep a sheet until it is confirmed, and none for long; only the owner of the data can read it.

    `old`: those last written before this moment (seconds since 1970) go.
    """
    key = hashlib.sha256(content).hexdigest()[:16]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for earlier in folder.iterdir():
            if earlier.stat().st_mtime < old:
                earlier.unlink(missing_ok=True)
        file = folder / key
        file.touch(mode=0o600)
        file.write_bytes(content)
    except OSError as error:
        raise UserError(Text("The sheet cannot be kept here: {why}.", why=error.strerror or "")) from None
    return f"saved:{key}"


def forget(folder: Path, path: str) -> None:
    """A kept sheet is not needed any more; any other is left where it is."""
    saved = _SAVED.fullmatch(path)
    if saved:
        (folder / saved[1]).unlink(missing_ok=True)
