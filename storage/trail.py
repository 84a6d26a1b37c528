"""What the trail tells of changed rows: names in the place of ids, and never a secret."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from tortoise.expressions import Q

from bot.core.audit import Subject, Values, is_asked_for, who_acts
from bot.core.clock import Clock
from bot.core.people import Group, Person
from bot.core.settings import SECRETS, Box
from bot.core.telling import written
from bot.core.text import folded
from storage.atomic import Traced
from storage.roles import people_where
from storage.rows import (
    AddressRow,
    AdminRow,
    AuditRow,
    BanRow,
    BindingRow,
    DefaultsRow,
    GroupRoleRow,
    GroupRow,
    LinkRow,
    MembershipRow,
    MlistRow,
    PersonRow,
    PinRow,
    PostRow,
    RoleRow,
    RoomRow,
)
from storage.tracing import Change, tracer
from storage.values import in_groups

T = TypeVar("T")

_NAMED = 500
"""Of the people whom one change concerns; the others are counted."""
_ASKED_AT_ONCE = 500
_HIDDEN = "•••"

_Side: TypeAlias = dict[tuple[str, str], dict[str, Any]]
"""Values by key, by the kind of change and what it is about."""


@dataclass(frozen=True, slots=True)
class _Somebody:
    """A person who has not been named yet, by one of their addresses (empty = the first)."""

    person_id: int
    address: str = ""


_Told: TypeAlias = tuple[str, Mapping[str, str | Sequence[str | _Somebody]]]
"""What a row is about, and its values."""


class _Sealed(str):
    """A secret in its row: shown as nothing but dots, and known from another by what is in the box."""

    __slots__ = ("token",)
    token: str

    @classmethod
    def of(cls, stored: Any) -> _Sealed:  # noqa: ANN401 - JSON
        hidden = cls(_HIDDEN)
        hidden.token = stored["sealed"] if isinstance(stored, dict) else ""
        return hidden

    def equals(self, other: object, box: Box) -> bool:
        """Whether it is the same secret, which each sealing writes in another way."""
        try:
            return isinstance(other, _Sealed) and box.unseal(self.token) == box.unseal(other.token)
        except ValueError:  # of another key
            return False


class Trail:
    """The changes of one unit of work, put together as people think of them."""

    def __init__(self, clock: Clock, box: Box) -> None:
        self._clock = clock
        self._box = box
        self._before: _Side = {}
        self._after: _Side = {}

    @property
    def now(self) -> datetime:
        """As the clock of the installation has it."""
        return self._clock.now()

    async def notice(self, change: Change) -> None:
        """Take in what a statement changed, while whom it concerns can still be named."""
        some = (change.before or change.after)[:1]
        if not some or (isinstance(some[0], PostRow) and not is_asked_for()):
            return
        what, tell = _TELLING[type(some[0])]
        before, after = list(await tell(change.before)), list(await tell(change.after))
        for about, values in before:
            self._merge(self._before, what, about, values, first=True)
        for number, (about, values) in enumerate(after):  # a pair is about what it was called before
            self._merge(self._after, what, before[number][0] if before else about, values, first=False)
        await self._name()

    def _merge(self, side: _Side, what: str, about: str, values: Mapping[str, Any], *, first: bool) -> None:
        """Many add up; of the others, the first value before and the last one after count."""
        merged = side.setdefault((what, about), {})
        for key, value in values.items():
            if not isinstance(value, str):
                merged.setdefault(key, []).extend(value)
            elif not (first and key in merged):
                merged[key] = value

    async def _name(self) -> None:
        """Name those who are told of: a large sheet has thousands more, who are counted."""
        lists = [
            each
            for side in (self._before, self._after)
            for values in side.values()
            for each in values.values()
            if isinstance(each, list)
        ]
        unnamed = (each for many in lists for each in many[:_NAMED] if isinstance(each, _Somebody))
        people = await _persons(each.person_id for each in unnamed)
        for many in lists:
            many[:_NAMED] = [
                _written(people, each.person_id, each.address) if isinstance(each, _Somebody) else each
                for each in many[:_NAMED]
            ]

    def note(self, what: str, about: str, after: Values) -> None:
        """Take in what no row tells."""
        self._after.setdefault((what, about), {}).update(after)

    async def store(self) -> None:
        """Write it, in the unit that it tells of."""
        acting, at = who_acts(), self._clock.now()
        entries = []
        for key in dict.fromkeys([*self._before, *self._after]):
            before, after = self._difference(self._before.get(key, {}), self._after.get(key, {}))
            if not before and not after:
                continue
            row = AuditRow(
                at=at,
                by_id=acting.by.id,
                by_name=acting.by.name,
                place=acting.where,
                what=key[0],
                about=key[1],
                before=before,
                after=after,
            )
            row.folded = searched(row)
            entries.append(row)
        if entries:
            await AuditRow.bulk_create(entries)

    def _difference(
        self, before: dict[str, Any], after: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Without what is the same on both sides; of many, the first."""
        left, right = dict(before), dict(after)
        for key in before.keys() & after.keys():
            was, now = before[key], after[key]
            if isinstance(was, list) and isinstance(now, list):
                left[key] = [each for each in was if each not in now]
                right[key] = [each for each in now if each not in was]
            elif was.equals(now, self._box) if isinstance(was, _Sealed) else was == now:
                left[key] = right[key] = ""
        return _shortened(left), _shortened(right)


def traced_by(clock: Clock, box: Box) -> Traced:
    """What makes every unit of a database leave its trail."""

    async def traced(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        trail = Trail(clock, box)
        tracer.set(trail)
        result = await work()
        tracer.set(None)
        await trail.store()
        return result

    return traced


def searched(row: AuditRow) -> str:
    """What a search looks into."""
    values = [
        part
        for side in (row.before, row.after)
        for key, value in side.items()
        for part in (key, *([value] if isinstance(value, str) else value))
    ]
    return folded("\n".join([row.by_id, row.by_name, row.place, row.what, row.about, *values]))


def _shortened(values: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in values.items():
        more = len(value) - _NAMED if isinstance(value, list) else 0
        if value:
            found[key] = [*value[:_NAMED], f"… +{more}"] if more > 0 else value
    return found


async def _lists(rows: Sequence[MlistRow]) -> Iterable[_Told]:
    return [
        (
            row.address,
            {"address": row.address, "paused": written(row.paused), **_settings(row.own)},
        )
        for row in rows
    ]


async def _defaults(rows: Sequence[DefaultsRow]) -> Iterable[_Told]:
    return [("all", _settings(row.own)) for row in rows]


def _settings(own: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: _Sealed.of(value) if key in SECRETS else written(value)
        for key, value in own.items()
        if key != "v"
    }


async def _pins(rows: Sequence[PinRow]) -> Iterable[_Told]:
    return [(row.server, {"sha256": row.sha256}) for row in rows]


async def _people(rows: Sequence[PersonRow]) -> Iterable[_Told]:
    people = await _persons(row.id for row in rows)
    return [
        (people[row.id].addresses[0], {"name": row.name})
        for row in rows
        if row.id in people  # somebody new has no address yet: that one leaves the trail
    ]


async def _addresses(rows: Sequence[AddressRow]) -> Iterable[_Told]:
    return [("", {"addresses": [_Somebody(row.person_id, row.address)]}) for row in rows]


async def _roles(rows: Sequence[RoleRow]) -> Iterable[_Told]:
    lists = await _list_names()
    return [(lists.get(row.mlist_id, ""), {row.role: [_Somebody(row.person_id)]}) for row in rows]


async def _group_roles(rows: Sequence[GroupRoleRow]) -> Iterable[_Told]:
    groups, lists = await _group_names(), await _list_names()
    return [(lists.get(row.mlist_id, ""), {row.role: [groups[row.group_id]]}) for row in rows]


async def _groups(rows: Sequence[GroupRow]) -> Iterable[_Told]:
    groups = [Group(row.id, row.name, row.shown) for row in rows]
    return [(group.written, {"name": group.name, "source": group.source}) for group in groups]


async def _memberships(rows: Sequence[MembershipRow]) -> Iterable[_Told]:
    groups = await _group_names()
    keys = {True: "by source", False: "by hand"}
    return [(groups[row.group_id], {keys[row.by_source]: [_Somebody(row.person_id)]}) for row in rows]


async def _bans(rows: Sequence[BanRow]) -> Iterable[_Told]:
    lists = await _list_names()
    return [(lists.get(row.mlist_id or 0, "all"), {"ban": [row.pattern]}) for row in rows]


async def _posts(rows: Sequence[PostRow]) -> Iterable[_Told]:
    return [(f"#{row.id}", {"state": row.state, "reason": row.decision_reason}) for row in rows]


async def _bindings(rows: Sequence[BindingRow]) -> Iterable[_Told]:
    lists = await _list_names()
    rooms = {row.id: row for row in await RoomRow.filter(id__in=[row.room_id for row in rows])}
    return [(lists.get(row.mlist_id or 0, "admins"), {"rooms": [_room(rooms[row.room_id])]}) for row in rows]


def _room(row: RoomRow) -> str:
    return f"{row.transport} {row.title or row.address}"


async def _admins(rows: Sequence[AdminRow]) -> Iterable[_Told]:
    return [("", {"admins": [row.id]}) for row in rows]


async def _links(rows: Sequence[LinkRow]) -> Iterable[_Told]:
    people = await _persons(row.person_id for row in rows)
    return [(_written(people, row.person_id), {"accounts": [row.actor_id]}) for row in rows]


async def _list_names() -> dict[int, str]:
    return {row.id: row.address for row in await MlistRow.all().only("id", "address")}


async def _group_names() -> dict[int, str]:
    return {row.id: f"@{row.name}" for row in await GroupRow.all().only("id", "name")}


async def _persons(ids: Iterable[int]) -> dict[int, Person]:
    found = {}
    for some in in_groups(dict.fromkeys(ids), _ASKED_AT_ONCE):
        found.update({person.id: person for person in await people_where(Q(person_id__in=some))})
    return found


def _written(people: Mapping[int, Person], person_id: int, address: str = "") -> str:
    """``Anne Martin <anne@example.org>``, with that address or the first."""
    person = people.get(person_id)
    if person is None:
        return address or f"({person_id})"
    return (
        f"{person.name} <{address or person.addresses[0]}>" if person.name else address or person.addresses[0]
    )


Tell: TypeAlias = Callable[[Any], Coroutine[Any, Any, Iterable[_Told]]]

_TELLING: dict[type, tuple[Subject, Tell]] = {
    MlistRow: (Subject.LIST, _lists),
    DefaultsRow: (Subject.DEFAULTS, _defaults),
    PinRow: (Subject.CERTIFICATE, _pins),
    PersonRow: (Subject.PERSON, _people),
    AddressRow: (Subject.ADDRESSES, _addresses),
    RoleRow: (Subject.ROLE, _roles),
    GroupRoleRow: (Subject.ROLE, _group_roles),
    GroupRow: (Subject.GROUP, _groups),
    MembershipRow: (Subject.GROUP, _memberships),
    BanRow: (Subject.BAN, _bans),
    PostRow: (Subject.POST, _posts),
    BindingRow: (Subject.ROOMS, _bindings),
    AdminRow: (Subject.ADMINS, _admins),
    LinkRow: (Subject.ACCOUNT, _links),
}
"""By the class of the rows: the kind of change, and how it is told."""
