"""From the cells of a sheet to its lines: which column holds what, in French and in English.

Sheets come from office programs, WordPress sites and by hand; nobody is asked to rename a column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.addresses import Address, domain_of, fold, is_deliverable, unique
from bot.core.errors import UserError
from bot.core.people import group_name
from bot.core.rosters import HEADING_WITHIN, Line, Table
from bot.core.text import Text, folded
from bot.flow.validity import valid_address

_NAME_LIMIT = 200

_MAIL = re.compile(r"\b(?:e ?mails?|mails?|courriels?|mel)\d*\b")
_NO_MAIL = re.compile(r"\b(?:pas|sans|aucune?|no|without)\b")
"""In the place of somebody's address."""
_PERHAPS_MAIL = re.compile(r"(?:adress?e?s?|address(?:es)?)(?: \d)?")
_OTHERS_MAIL = re.compile(r"\b(?:co ?adherent\w*|referent\w*|producteur\w*|sent|envoye|date|opt ?in)\b")
_FIRST_NAME = re.compile(r"prenoms?|first ?name|given ?name|user first name")
_LAST_NAME = re.compile(r"nom|noms|nom de famille|last ?name|family ?name|surname")
_FULL_NAME = re.compile(
    r"nom complet|nom (?:et )?prenoms?|prenoms? (?:et )?nom|name|full name|display ?name|nom affiche"
)
_MEMBER = re.compile(r"adherente?|amapien|amapienne|membre|member")
"""Above names, or above whether somebody is one."""
_GROUP = re.compile(r"groupes?|groups?|contrats?|contracts?")
_NAMED = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]+)>")
_BETWEEN_ADDRESSES = re.compile(r"[,;\s]+")
_AND = frozenset({"et", "ou", "and", "or"})
_PERHAPS_BETWEEN = re.compile(r"[|/]+")
"""An address may have them too."""
_BETWEEN_GROUPS = re.compile(r"[,;|\n]+")
_PERHAPS_BETWEEN_GROUPS = re.compile(r"[+/&]")
"""A group's name may have them too."""
_COMPUTED = re.compile(r"'*[=+\-@]")
"""A program would take what begins with one of the signs for a formula."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns hold what, by their numbers; `first` is the first row below the heading."""

    mails: tuple[int, ...]
    names: tuple[int, ...]
    groups: tuple[int, ...]
    first: int


def lines_of(table: Table, *, nobody: bool = False) -> list[Line]:
    """The lines of a sheet below its heading, without empty ones.

    Args:
        table: the cells.
        nobody: where there is a heading, a sheet that names nobody is one too.

    Raises:
        UserError: nobody's address is in it, or it has two headings; says what to do.
    """
    if not any(any(row) for row in table):
        raise UserError(Text("This sheet is empty."))
    columns = _columns(table)
    lines = [
        _line(number, row, columns)
        for number, row in enumerate(table[columns.first :], columns.first + 1)
        if any(cell.strip() for cell in row)
    ]
    if not any(line.addresses for line in lines) and not (nobody and columns.mails and columns.first):
        raise UserError(
            Text(
                "No line of this sheet has an e-mail address. One column should be headed mail or courriel;"
                " where addresses are made by formulas, save the sheet with their values."
            )
        )
    return lines


def guarded(cell: str) -> str:
    """For a sheet that is handed out: no program computes it, and `lines_of` takes the mark away again."""
    return f"'{cell}" if _COMPUTED.match(cell) else cell


def _columns(table: Table) -> _Columns:
    headings = [number for number, row in enumerate(table[:HEADING_WITHIN]) if _is_heading(row)]
    if len(headings) > 1:
        raise UserError(
            Text(
                "Lines {numbers} are both headings: please keep one of them.",
                numbers=[str(number + 1) for number in headings[:2]],
            )
        )
    if headings:
        return _headed(table, headings[0])
    width = max(map(len, table))
    mails = [column for column in range(width) if any(_has_address(row, column) for row in table)]
    names = [column for column in range(width) if column not in mails]
    return _Columns(tuple(mails), tuple(names) if len(names) == 1 else (), (), 0)


def _is_heading(row: Sequence[str]) -> bool:
    """It names a column of addresses, and holds none."""
    words = [_heading(cell) for cell in row]
    return "@" not in "".join(row) and any(
        (_MAIL.search(word) and not _NO_MAIL.search(word)) or _PERHAPS_MAIL.fullmatch(word) for word in words
    )


def _headed(table: Table, heading: int) -> _Columns:
    words = [_heading(cell) for cell in table[heading]]
    below = table[heading + 1 :]
    mails = [n for n, word in enumerate(words) if _MAIL.search(word) and not _OTHERS_MAIL.search(word)]
    if not mails:  # a postal address is called the same
        candidates = [n for n, word in enumerate(words) if _PERHAPS_MAIL.fullmatch(word)]
        mails = [n for n in candidates if any(_has_address(row, n) for row in below)]
    return _Columns(
        tuple(mails),
        _names(words, below),
        tuple(n for n, word in enumerate(words) if _GROUP.fullmatch(word) and not _counts(below, n)),
        heading + 1,
    )


def _counts(rows: Table, column: int) -> bool:
    """Whether a column says how many groups somebody is in, as a site's list of users does."""
    cells = [row[column].strip() for row in rows if column < len(row) and row[column].strip()]
    return bool(cells) and all(cell.isdecimal() for cell in cells)


def _names(words: Sequence[str], below: Table) -> tuple[int, ...]:
    """First name and last name, else one column with both."""
    first, last, full = (
        [n for n, word in enumerate(words) if kind.fullmatch(word)][:1]
        for kind in (_FIRST_NAME, _LAST_NAME, _FULL_NAME)
    )
    members = [
        n
        for n, word in enumerate(words)
        if _MEMBER.fullmatch(word) and any(len(row) > n and " " in row[n].strip() for row in below)
    ]
    return tuple([*first, *last] if first and last else full or members[:1] or first or last)


def _heading(cell: str) -> str:
    """``E-mail_2 *`` is ``e mail 2``."""
    return " ".join(re.findall(r"[a-z]+|\d+", folded(cell)))


def _has_address(row: Sequence[str], column: int) -> bool:
    return column < len(row) and "@" in row[column]


def _line(number: int, row: Sequence[str], columns: _Columns) -> Line:
    cells = [row[column].strip() for column in columns.mails if column < len(row) and row[column].strip()]
    name = " ".join(" ".join(row[column] for column in columns.names if column < len(row)).split())
    addresses: list[Address] = []
    wrong: list[str] = []
    for cell in cells:
        named = _NAMED.fullmatch(cell)
        if named:
            name = name or named["name"].strip("\"' ")
        words = [
            word for word in _BETWEEN_ADDRESSES.split(named["address"] if named else cell) if _is_word(word)
        ]
        found = {word: _addresses(word) for word in words}
        addresses += [address for each in found.values() for address in each]
        wrong += [word for word in words if not found[word]] if any(found.values()) else [cell]
    trouble = None
    if not cells:
        trouble = Text("no address")
    elif wrong:
        trouble = Text("“{word}” is not an e-mail address, such as anne@example.org.", word=wrong[0])
    return Line(
        number=number,
        name=_shown(name),
        addresses=tuple(unique(addresses)),
        groups=_groups(row, columns.groups),
        written=" ".join(wrong)[:_NAME_LIMIT],
        trouble=trouble,
    )


def _is_word(text: str) -> bool:
    """Whether it is more than what people write between two addresses."""
    return any(map(str.isalnum, text)) and folded(text) not in _AND


def _addresses(word: str) -> list[Address]:
    """One address, or those that are written with a stroke between them; none unless all are."""
    whole = _address(word)
    parts = [whole] if whole else [_address(part) for part in _PERHAPS_BETWEEN.split(word)]
    return [part for part in parts if part] if all(parts) else []


def _address(word: str) -> Address | None:
    """An address in its normal form, placeholders too: they are of somebody who has none."""
    word = word.strip("<>()[]\"'.:").removeprefix("mailto:")
    folded_word = fold(word)
    if "." not in domain_of(word) or not (is_deliverable(folded_word) or folded_word.endswith("@nomail.org")):
        return None
    try:
        return valid_address(word)
    except UserError:
        return None


def _shown(name: str) -> str:
    """Without what cannot be shown, and without the mark of `guarded`."""
    plain = name[1:] if name.startswith("'") and _COMPUTED.match(name) else name
    return "".join(each for each in plain if each.isprintable())[:_NAME_LIMIT]


def _groups(row: Sequence[str], columns: Sequence[int]) -> tuple[str, ...] | None:
    if not columns:
        return None
    found = []
    for column in columns:
        for word in _BETWEEN_GROUPS.split(row[column] if column < len(row) else ""):
            for name in (word, *_PERHAPS_BETWEEN_GROUPS.split(word)):
                try:
                    found.append(group_name(name))
                except UserError:  # nothing stands there
                    continue
    return tuple(dict.fromkeys(found))
