"""From the bytes of a file to the cells of its table; whatever is no table gets a sentence of its own."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.core.charsets import decoded_sheet
from bot.core.errors import UserError
from bot.core.rosters import Table
from bot.core.text import N_, Size, Text

SIZE_LIMIT = 20_000_000
"""Octets; a sheet of 50,000 people has some 5,000,000."""
_UNPACKED_LIMIT = 300_000_000
_ROWS_LIMIT = 60_000
_SEPARATORS = ";,\t|"
_PROBED_LINES = 30

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
_PAGES = (b"<!doctype", b"<html", b"<?xml")


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
    if content.lstrip()[:9].lower().startswith(_PAGES):
        raise _no_sheet(
            Text("a web page: the link may lead to a login, share the sheet for everybody with it")
        )
    if content.startswith((_ZIP, _OLE)):
        return _workbook(content)
    return _text_table(content)


def too_large(octets: int) -> UserError:
    """For whoever can tell before reading it."""
    return UserError(
        Text(
            "This file has {size}; a sheet of people has at most {limit}.",
            size=Size(octets),
            limit=Size(SIZE_LIMIT),
        )
    )


def _no_sheet(what: Text) -> UserError:
    return UserError(Text("This is {what}, not a sheet. Save the sheet as CSV, XLSX or ODS.", what=what))


def _workbook(content: bytes) -> Table:
    from python_calamine import CalamineError, PasswordError, load_workbook

    _refuse_bombs(content)
    try:
        book = load_workbook(io.BytesIO(content))
        filled = []
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows = sheet.to_python(skip_empty_area=False, nrows=_ROWS_LIMIT)
            if any(any(cell != "" for cell in row) for row in rows):
                filled.append((sheet, rows))
    except PasswordError:
        raise UserError(Text("This sheet is locked with a password: save it without one.")) from None
    except (CalamineError, ValueError, OSError):
        raise _no_sheet(Text("a damaged file, or one of another program")) from None
    if not filled:
        raise UserError(Text("This sheet is empty."))
    sheet, rows = filled[0]
    _refuse_merged(sheet, rows)
    return [[_cell(cell) for cell in row] for row in rows]


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


def _refuse_merged(sheet: Any, rows: Sequence[Sequence[Any]]) -> None:  # noqa: ANN401 - calamine's own class
    """Whom the value of a merged cell is for, nobody can tell; above the people it does no harm."""
    first = next((n for n, row in enumerate(rows) if "@" in "".join(map(_cell, row))), 0)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if bottom >= first and top != bottom:
            corners = f"{_name(top, left)}:{_name(bottom, right)}"
            raise UserError(
                Text("The cells {cells} of this sheet are merged: please separate them.", cells=corners)
            )


def _name(row: int, column: int) -> str:
    """``A1``, as office programs call it."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _cell(value: Any) -> str:  # noqa: ANN401 - a cell holds anything
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _text_table(content: bytes) -> Table:
    text = decoded_sheet(content)
    if text is None:
        raise _no_sheet(Text("a file of another program"))
    separator = _separator(text)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        raise _no_sheet(Text("a damaged file, or one of another program")) from None
    if rows and len(rows[0]) == 1 and rows[0][0].lower().startswith("sep="):
        rows[0] = [""]  # a line for Excel alone; the others keep their numbers
    return rows


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
