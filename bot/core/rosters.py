"""What a sheet of people would change in the directory: compared first, done afterwards, by one rule."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from bot.core.addresses import Address
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Group, Person
from bot.core.text import Size, Text

Table: TypeAlias = Sequence[Sequence[str]]
"""The cells of a sheet, row by row, as text; the first row is line 1. At most `ROWS_LIMIT` of them."""

LINES_LIMIT = 50_000
"""People in a sheet."""
HEADING_WITHIN = 10
"""Rows in which the heading is looked for: titles and dates may stand above it."""
ROWS_LIMIT = LINES_LIMIT + HEADING_WITHIN
SIZE_LIMIT = 20_000_000
"""Octets of a sheet; Telegram lets a bot fetch no more (Bot API, getFile)."""


def too_large(octets: int) -> UserError:
    """For whoever can tell before reading it."""
    return UserError(
        Text(
            "This file has {size}; a sheet of people has at most {limit}.",
            size=Size(octets),
            limit=Size(SIZE_LIMIT),
        )
    )


@dataclass(frozen=True, slots=True)
class Line:
    """What one line of a sheet says: its number (from 1), a name (may be empty), folded addresses, groups.

    `groups` are names in normal form; None = the sheet has no such column. `written` is what stood
    where the address was expected, for a line that cannot be used because of `trouble`.
    """

    number: int
    name: str
    addresses: tuple[Address, ...]
    groups: tuple[str, ...] | None = None
    written: str = ""
    trouble: Text | None = None


class Change(StrEnum):
    """What becomes of a line, or of somebody whom no line names."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    KEPT = "kept"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Planned:
    """One row of a preview; `line` 0 = no line says it."""

    line: int
    address: str
    name: str
    change: Change
    reason: Text | None = None


@dataclass
class Plan:
    """What a sheet would change: for people to read, and for the store to do.

    `new` are people whom nobody knows; `further` gives addresses and `renamed` a name to known ones, by
    id; `joining` and `leaving` are ids. All of `new` join.
    """

    rows: list[Planned] = field(default_factory=list)
    new: list[tuple[str, tuple[Address, ...]]] = field(default_factory=list)
    further: dict[int, list[Address]] = field(default_factory=dict)
    renamed: dict[int, str] = field(default_factory=dict)
    joining: list[int] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)

    def count(self, change: Change) -> int:
        return sum(row.change is change for row in self.rows)

    @property
    def changes(self) -> int:
        """How many rows are anything but kept or refused."""
        return len(self.rows) - self.count(Change.KEPT) - self.count(Change.REFUSED)


class Extends(StrEnum):
    """To whom a sheet gives further addresses."""

    ANYBODY = "anybody"
    PLAIN = "plain"  # who does no more on any list than to receive
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far a sheet goes: whether it renames people and takes out whom it does not name.

    `extends`: to whom of those who are known it may give further addresses. Whoever reads mail at an
    address of a person gets that person's mail, and what rights they have.
    """

    rename: bool = True
    remove: bool = True
    extends: Extends = Extends.ANYBODY


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source's sheet; `seen` is to be given back at the next look."""

    table: Table
    seen: Mapping[str, str]


class Sheets(Protocol):
    """Reads sheets of every common kind: CSV, XLSX, XLS, ODS."""

    async def read(self, content: bytes) -> Table:
        """The cells of a file. Raises UserError, which says what it is instead of a sheet."""
        ...

    async def load(self, path: str) -> Table:
        """The cells of a file on this machine. Raises as `read`."""
        ...

    async def fetch(self, source: str, seen: Mapping[str, str]) -> Fetched | None:
        """The sheet at an https address or in a file; None if it is what was `seen`.

        Raises:
            UserError: there is no sheet, or it may not be read; without the address.
            TransientError: the server is away; later may work.
        """
        ...


class RosterStore(Protocol):
    """Compares a sheet with who is in a list or group, and makes it so."""

    async def preview(
        self, target: MailingList | Group, lines: Sequence[Line], wanted: Wanted, *, by_source: bool = False
    ) -> Plan:
        """What `apply` would do now.

        By hand, the target is who was put there by hand and is thereby a member; `by_source`, it is
        who the group's source named at the last time.
        """
        ...

    async def apply(
        self, target: MailingList | Group, lines: Sequence[Line], wanted: Wanted, *, by_source: bool = False
    ) -> Plan:
        """Do it, all or nothing; what was done."""
        ...


class Planner:
    """Compares lines with the directory as it is."""

    def __init__(
        self,
        known: Mapping[Address, Person],
        present: Collection[int],
        removable: Collection[int],
        trusted: Collection[int],
        wanted: Wanted,
    ) -> None:
        """All by id: `known` has everybody; `present` are in the target, `removable` can be taken out of it.

        `trusted` do more on some list than to receive.
        """
        self._known = known
        self._present = present
        self._removable = removable
        self._trusted = trusted
        self._wanted = wanted
        self._plan = Plan()
        self._seen: dict[Address, int] = {}
        self._named: set[int] = set()

    def plan(self, lines: Sequence[Line]) -> Plan:
        """All that the lines change, in their order, and then those whom none of them names."""
        for line in lines:
            self._take(line)
        if self._wanted.remove:
            people = {person.id: person for person in self._known.values()}
            for person_id in sorted(set(self._removable) - self._named):
                self._leave(people[person_id])
        return self._plan

    def _take(self, line: Line) -> None:
        if line.trouble:
            self._row(line, line.written, Change.REFUSED, line.trouble)
        if not line.addresses:
            return
        earlier = {self._seen[address] for address in line.addresses if address in self._seen}
        found = [self._known[address] for address in line.addresses if address in self._known]
        owners = {person.id: person for person in found}
        if earlier or len(owners) > 1:
            self._refuse_second(line, earlier, list(owners.values()))
            return
        self._seen.update(dict.fromkeys(line.addresses, line.number))
        if owners:
            self._known_person(line, next(iter(owners.values())))
            return
        self._plan.new.append((line.name, line.addresses))
        self._row(line, line.addresses[0], Change.ADDED)

    def _refuse_second(self, line: Line, earlier: Collection[int], owners: Sequence[Person]) -> None:
        """Nobody is mixed up with another: an address belongs to one person."""
        if all(address in self._seen for address in line.addresses) and len(earlier) == 1:
            why = Text("as in line {line}", line=next(iter(earlier)))
            self._row(line, line.addresses[0], Change.KEPT, why)
            return
        if earlier:
            why = Text("it shares an address with line {line}", line=min(earlier))
        else:
            why = Text("its addresses belong to {people}", people=[person.written for person in owners])
            self._named.update(person.id for person in owners)  # nobody leaves for a doubtful line
        self._row(line, line.addresses[0], Change.REFUSED, why)

    def _known_person(self, line: Line, person: Person) -> None:
        further = [address for address in line.addresses if address not in person.addresses]
        if further and not self._may_extend(person):
            why = Text("another address of {name}: only an administrator adds it", name=person.written)
            self._row(line, further[0], Change.REFUSED, why)
            further = []
        name = line.name if line.name and (self._wanted.rename or not person.name) else person.name
        changed: list[Text] = []
        if further:
            self._plan.further[person.id] = further
            changed.append(Text("new address {addresses}", addresses=further))
        if name != person.name:
            self._plan.renamed[person.id] = name
            changed.append(Text("was called {name}", name=person.name or "…"))
        self._named.add(person.id)
        if person.id not in self._present:
            self._plan.joining.append(person.id)
            self._row(line, line.addresses[0], Change.ADDED, *changed)
            return
        self._row(line, line.addresses[0], Change.CHANGED if changed else Change.KEPT, *changed)

    def _may_extend(self, person: Person) -> bool:
        if self._wanted.extends is Extends.PLAIN:
            return person.id not in self._trusted
        return self._wanted.extends is Extends.ANYBODY

    def _leave(self, person: Person) -> None:
        self._plan.leaving.append(person.id)
        self._plan.rows.append(Planned(0, person.addresses[0], person.name, Change.REMOVED))

    def _row(self, line: Line, address: str, change: Change, *why: Text) -> None:
        reason = Text("{parts}", parts=why) if len(why) > 1 else next(iter(why), None)
        self._plan.rows.append(Planned(line.number, address, line.name, change, reason))
