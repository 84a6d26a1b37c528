"""Sheets that people hand in, and those that wait for a word of confirmation."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

from bot.chat.desk import Call, Desk
from bot.core.chat import Sent
from bot.core.errors import FacteurError, UserError, why
from bot.core.rosters import SIZE_LIMIT, Table, too_large
from bot.core.text import Text

_SAVED = re.compile(r"saved:([0-9a-f]{16})")
_KEPT_S = 24 * 3600
"""How long a sheet waits for its confirmation."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that was handed in.

    Attributes:
        path: how the line named it.
        sent: its content, where it came along and is to be kept for a later line.
    """

    table: Table
    path: str
    sent: bytes | None = None


async def handed_in(desk: Desk, call: Call, path: str) -> Sheet:
    """The sheet sent along; in the terminal that of a path; or one that was kept for a confirmation."""
    saved = _SAVED.fullmatch(path)
    if saved:
        try:
            content = await asyncio.to_thread((desk.installation.imports / saved[1]).read_bytes)
        except OSError:
            raise UserError(Text("This sheet is no longer here: please send it again.")) from None
        return Sheet(await desk.sheets.read(content), path)
    if call.files:
        content = await _fetched(call.files[0])
        return Sheet(await desk.sheets.read(content), path, content)
    if path and call.speaker.is_login:
        return Sheet(await desk.sheets.load(path), path)
    if call.speaker.is_login:
        raise UserError(Text("Which sheet (CSV, XLSX or ODS)? Please write its path behind the command."))
    raise UserError(Text("Please send the sheet (CSV, XLSX or ODS), and reply to it with the command."))


async def _fetched(file: Sent) -> bytes:
    """Its content. Raises UserError where it is too large or cannot be had."""
    if file.size_octets > SIZE_LIMIT:
        raise too_large(file.size_octets)
    try:
        return await file.fetch()
    except FacteurError as error:
        text = Text("📎 {name} could not be fetched: {reason}", name=file.name, reason=error.text)
        raise UserError(text) from error


async def kept(desk: Desk, sheet: Sheet) -> str:
    """How a later line names the sheet; one that was sent along is kept for it."""
    if sheet.sent is None:
        return sheet.path
    folder, old = desk.installation.imports, time.time() - _KEPT_S
    return await asyncio.to_thread(_save, folder, sheet.sent, old)


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
        raise UserError(Text("The sheet cannot be kept here: {why}.", why=why(error))) from None
    return f"saved:{key}"


def forget(folder: Path, path: str) -> None:
    """A kept sheet is not needed any more; any other is left where it is."""
    saved = _SAVED.fullmatch(path)
    if saved:
        (folder / saved[1]).unlink(missing_ok=True)
