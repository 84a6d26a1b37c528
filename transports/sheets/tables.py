"""From the bytes of a file to the cells of its table; whatever is no table gets a sentence of its own."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

from bot.core.charsets import decoded_sheet
from bot.core.errors import UserError
from bot.core.rosters import LINES_LIMIT, ROWS_LIMIT, SIZE_LIMIT, Table, too_large
from bot.core.text import N_, Text
from transports.sheets import opening

_UNPACKED_LIMIT = 300_000_000
_OPENING_S = 120
"""How long a workbook may take, also on a small machine."""
_SEPARATORS = ";,\t|"
_PROBED_LINES = 30
_PROBED_OCTETS = 4096

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_STRANGERS = (
    (b"%PDF", N_("a PDF")),
    (b"\x89PNG", N_("a picture")),
    (b"\xff\xd8\xff", N_("a picture")),
    (b"GIF8", N_("a picture")),
    (b"RIFF", N_("a picture or a sound")),
    (b"{\\rtf", N_("a text document")),
    (b"\x1f\x8b", N_("a compressed file")),
)
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|table)",
    re.IGNORECASE | re.DOTALL,
)


def table_of(content: bytes) -> Table:
    """The cells of a file, row by row.

    Raises:
        UserError: it is no sheet; says what it is and what to do.
    """
    if len(content) > SIZE_LIMIT:
        raise too_large(len(content))
    if not content.strip():
        raise UserError(Text("This file is empty."))
    for start, kind in _STRANGERS:
        if content.startswith(start):
            raise _no_sheet(Text(kind))
    if is_page(content):
        raise _no_sheet(Text("a web page"))
    if content.startswith((_ZIP, _OLE)):
        return _workbook(content)
    return _text_table(content)


def is_page(content: bytes) -> bool:
    """Whether it is HTML."""
    return bool(_PAGE.match(content[:_PROBED_OCTETS]))


def _too_long() -> UserError:
    return UserError(
        Text(
            "This sheet is too large: {limit} lines are possible at most. Copy the people into a new one.",
            limit=LINES_LIMIT,
        )
    )


def _no_sheet(what: Text) -> UserError:
    return UserError(Text("This is {what}, not a sheet. Save the sheet as CSV, XLSX or ODS.", what=what))


def _workbook(content: bytes) -> Table:
    _refuse_bombs(content)
    found = _opened(content)
    trouble = found.get("trouble")
    if trouble == opening.LOCKED:
        raise UserError(Text("This sheet is locked with a password: save it without one."))
    if trouble == opening.DAMAGED:
        raise _no_sheet(Text("a damaged file, or one of another program"))
    if trouble == opening.EMPTY:
        raise UserError(Text("This sheet is empty."))
    if trouble:
        raise _too_long()
    if found["merged"]:
        top, left, bottom, right = found["merged"]
        corners = f"{_name(top, left)}:{_name(bottom, right)}"
        raise UserError(  # whom the value is for, nobody can tell; above the people it does no harm
            Text("The cells {cells} of this sheet are merged: please separate them.", cells=corners)
        )
    rows: Table = found["rows"]
    return rows


def _opened(content: bytes) -> Mapping[str, Any]:
    """What `transports.sheets.opening` answers, in a process that may fail for itself alone."""
    command = [sys.executable, "-P", opening.__file__, str(ROWS_LIMIT)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FACTEUR")}
    try:
        done = subprocess.run(  # noqa: S603 - a program of ours; the file is no argument
            command, input=content, capture_output=True, env=environment, timeout=_OPENING_S, check=True
        )
    except (subprocess.SubprocessError, OSError):
        raise _too_long() from None
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def _refuse_bombs(content: bytes) -> None:
    """A small file may unpack into gigabytes."""
    if not content.startswith(_ZIP):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            octets = sum(item.file_size for item in packed.infolist())
    except (zipfile.BadZipFile, ValueError, OSError):
        raise _no_sheet(Text("a damaged file, or one of another program")) from None
    if octets > _UNPACKED_LIMIT:
        raise too_large(octets)


def _name(row: int, column: int) -> str:
    """``A1``, as office programs call it."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _text_table(content: bytes) -> Table:
    text = decoded_sheet(content)
    if text is None:
        raise _no_sheet(Text("a file of another program"))
    text = _without_last_lines(text)
    separator = _separator(text)
    try:
        rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator), ROWS_LIMIT + 1))
    except csv.Error:
        raise _no_sheet(Text("a damaged file, or one of another program")) from None
    if len(rows) > ROWS_LIMIT:
        raise _too_long()
    if rows and len(rows[0]) == 1 and rows[0][0].lower().startswith("sep="):
        rows[0] = [""]  # a line for Excel alone; the others keep their numbers
    return rows


def _without_last_lines(text: str) -> str:
    """Programs write all the empty lines of a page, a million of them."""
    last = len(text.rstrip(f"{_SEPARATORS} \r\n"))
    end = text.find("\n", last)
    return text if end < 0 else text[:end]


def _separator(text: str) -> str:
    """The one that cuts most of the first lines into the same number of cells, more than one."""
    lines = [line for line in text.splitlines()[:_PROBED_LINES] if line.strip()]
    best, separator = (0, 0), ";"
    for candidate in _SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=candidate))
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
        if width > 1 and (count, width) > best:
            best, separator = (count, width), candidate
    return separator
