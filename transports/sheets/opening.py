"""A program of its own: a workbook on standard input, its cells as JSON on standard output.

A workbook of 5 kB may name a cell in the last row and column; what reads it asks for all that lies
between, half a terabyte, and ends the process that cannot have it. So that is never facteur's own.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Sequence
from typing import Any

MEMORY_OCTETS = 700_000_000
"""Of addresses, the interpreter's included; a sheet of 50,000 people takes a sixth of it."""
TIME_S = 60
"""Of computing."""
ANSWER_OCTETS = 50_000_000

EMPTY, LOCKED, DAMAGED, TOO_LARGE = "empty", "locked", "damaged", "too large"


def answer(content: bytes, rows_limit: int) -> dict[str, Any]:
    """The cells of the first sheet that holds addresses, or else anything, row by row as text.

    With ``trouble``, one of the words above, there are none. ``merged`` are the corners of cells below
    the first address that are merged over several rows: top, left, bottom, right.
    """
    from python_calamine import CalamineError, PasswordError, load_workbook

    try:
        book = load_workbook(io.BytesIO(content))
        chosen: tuple[Any, list[list[str]]] | None = None
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows = _filled(sheet, rows_limit)
            if len(rows) > rows_limit:
                return {"trouble": TOO_LARGE}
            if rows and (chosen is None or _people(rows)):
                chosen = sheet, rows
            if _people(rows):
                break
    except PasswordError:
        return {"trouble": LOCKED}
    except (CalamineError, ValueError, OSError):
        return {"trouble": DAMAGED}
    if chosen is None:
        return {"trouble": EMPTY}
    sheet, rows = chosen
    return {"rows": rows, "merged": _merged(sheet, rows)}


def _filled(sheet: Any, rows_limit: int) -> list[list[str]]:  # noqa: ANN401 - calamine's own class
    """The rows down to the last one with anything in it, and no more than one above the limit."""
    rows: list[list[str]] = []
    last = 0
    for number, row in enumerate(sheet.to_python(skip_empty_area=False), 1):
        rows.append([_cell(cell) for cell in row])
        if any(rows[-1]):
            last = number
        if last > rows_limit:
            break
    return rows[:last]


def _people(rows: Sequence[Sequence[str]]) -> bool:
    return any("@" in cell for row in rows for cell in row)


def _merged(sheet: Any, rows: Sequence[Sequence[str]]) -> list[int] | None:  # noqa: ANN401 - as above
    first = next((n for n, row in enumerate(rows) if "@" in "".join(row)), 0)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if bottom >= first and top != bottom:
            return [top, left, bottom, right]
    return None


def _cell(value: Any) -> str:  # noqa: ANN401 - a cell holds anything
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def main() -> None:
    """Within the limits; whatever is beyond them ends it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS, MEMORY_OCTETS))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_S, TIME_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = json.dumps(answer(sys.stdin.buffer.read(), int(sys.argv[1])), ensure_ascii=False)
    written = found.encode("utf-8", "replace")
    if len(written) > ANSWER_OCTETS:
        written = json.dumps({"trouble": TOO_LARGE}).encode()
    sys.stdout.buffer.write(written)


if __name__ == "__main__":
    main()
