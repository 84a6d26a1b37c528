"""Who has which role on a list: the one place that knows what groups and settings add to what is by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from bot.core.addresses import Address
from bot.core.lists import MailingList
from bot.core.people import BY_HAND, Group, Holder, Person, Role, Way
from bot.core.stores import Listing, Page
from bot.core.text import folded
from storage.rows import AddressRow, GroupRoleRow, GroupRow, MembershipRow, RoleRow
from storage.values import words_of

Ways = dict[int, list[Way]]
"""By the person's id."""


@dataclass(frozen=True, slots=True)
class Bearers:
    """Everybody with one of `roles` on a list, by hand or in one of `groups` (by id, with their ways)."""

    mlist_id: int
    role: Role
    roles: Sequence[Role]
    groups: Mapping[int, Sequence[Way]]

    def among(self, field: str) -> Q:
        """A condition: `field`, which holds a person's id, is that of one of them."""
        found = _is_in(field, RoleRow.filter(mlist_id=self.mlist_id, role__in=self.roles))
        return found | in_groups(field, self.groups) if self.groups else found

    async def ways(self, person_id: int | None = None) -> Ways:
        """How each of them (or that one) comes to the role."""
        only = {} if person_id is None else {"person_id": person_id}
        found: Ways = defaultdict(list)
        by_hand = RoleRow.filter(mlist_id=self.mlist_id, role__in=self.roles, **only)
        for holder, role in await by_hand.values_list("person_id", "role"):
            found[holder].append(BY_HAND if role == self.role else Way(role=role))
        grouped = MembershipRow.filter(group_id__in=list(self.groups), **only).distinct()
        for holder, group in await grouped.values_list("person_id", "group_id"):
            found[holder].extend(self.groups[group])
        return found


async def bearers(mlist: MailingList, role: Role, always: Collection[str] = ()) -> Bearers:
    """Everybody who has a role; `always` names the groups that are members of every list."""
    roles = sorted(mlist.bearers_of(role))
    groups: dict[int, list[Way]] = defaultdict(list)
    given = GroupRoleRow.filter(mlist_id=mlist.id, role__in=roles)
    for group_id, name, has in await given.values_list("group_id", "group__name", "role"):
        groups[group_id].append(Way(f"@{name}", "" if has == role else has))
    if role is Role.MEMBER and always:
        for row in await GroupRow.filter(name__in=list(always)):
            groups[row.id].append(Way(f"@{row.name}"))
    return Bearers(mlist.id, role, roles, groups)


async def roles_of(mlist: MailingList, person_id: int, always: Collection[str]) -> frozenset[Role]:
    """The roles of one person, by hand and by groups; not those that follow from another."""
    by_hand = await RoleRow.filter(mlist_id=mlist.id, person_id=person_id).values_list("role", flat=True)
    grouped = await MembershipRow.filter(person_id=person_id).values_list("group_id", "group__name")
    given = await GroupRoleRow.filter(
        mlist_id=mlist.id, group_id__in=[group_id for group_id, _ in grouped]
    ).values_list("role", flat=True)
    member = [Role.MEMBER] if any(name in always for _, name in grouped) else []
    return frozenset(Role(str(role)) for role in [*by_hand, *given, *member])


async def member_since(mlist: MailingList, person_id: int, always: Collection[str]) -> datetime | None:
    """Since when somebody has been a member, by the way that is the oldest; None if they are none."""
    roles = sorted(mlist.bearers_of(Role.MEMBER))
    by_hand = RoleRow.filter(mlist_id=mlist.id, person_id=person_id, role__in=roles)
    found = [moment for (moment,) in await by_hand.values_list("since")]
    given = GroupRoleRow.filter(mlist_id=mlist.id, role__in=roles)
    groups = dict(await given.values_list("group_id", "since"))
    for group_id in await GroupRow.filter(name__in=list(always)).values_list("id", flat=True):
        groups[group_id] = mlist.created_at
    joined = MembershipRow.filter(person_id=person_id, group_id__in=list(groups))
    for group_id, moment in await joined.values_list("group_id", "since"):
        found.append(max(moment, groups[group_id]))
    return min(found, default=None)


async def roles_everywhere(person_id: int) -> Mapping[int, Collection[Role]]:
    """The roles of one person by list, by hand and by groups."""
    found: dict[int, set[Role]] = defaultdict(set)
    groups = await MembershipRow.filter(person_id=person_id).values_list("group_id", flat=True)
    for rows in (RoleRow.filter(person_id=person_id), GroupRoleRow.filter(group_id__in=list(groups))):
        for mlist_id, role in await rows.values_list("mlist_id", "role"):
            found[mlist_id].add(Role(role))
    return found


async def people_where(condition: Q) -> list[Person]:
    """The people whose `AddressRow` meets the condition, by name then address.

    They are read in two passes without their ids in a statement, which takes only so many of them.
    """
    rows = (
        await AddressRow.filter(condition).order_by("id").values_list("person_id", "address", "person__name")
    )
    addresses: dict[int, list[Address]] = defaultdict(list)
    names: dict[int, str] = {}
    for person_id, address, name in rows:
        addresses[person_id].append(Address(address))
        names[person_id] = name
    people = [Person(key, names[key], tuple(found)) for key, found in addresses.items()]
    return sorted(people, key=lambda person: (folded(person.name), person.addresses))


async def listed(condition: Q, ways: Ways, words: str, page: Page) -> Listing[Holder]:
    """A page of the people who meet the condition: sorted here, no database sorts as readers expect."""
    wanted = words_of(words)
    people = [person for person in await people_where(condition) if contains(person, wanted)]
    start = 0
    if page.after:
        start = next((n for n, person in enumerate(people, 1) if person.id == page.after), len(people))
    end = len(people) if page.size is None else start + page.size
    shown = people[start:end]
    more = end < len(people) and bool(shown)
    holders = tuple(Holder(person, tuple(sorted(ways.get(person.id, ())))) for person in shown)
    return Listing(
        holders,
        total=len(people),
        next_after=shown[-1].id if more else None,
        previous_after=_previous(people, start, page),
        before=start,
    )


def _previous(people: Sequence[Person], start: int, page: Page) -> int | None:
    """`Listing.previous_after` of the page of `people` that begins at `start`."""
    if not page.after:
        return None
    first = 0 if page.size is None else start - page.size
    return people[first - 1].id if first > 0 else 0


def contains(person: Person, words: Sequence[str]) -> bool:
    """Whether each of the folded words is in the name or an address."""
    text = folded(" ".join([person.name, *person.addresses]))
    return all(word in text for word in words)


def in_groups(field: str, group_ids: Collection[int]) -> Q:
    """A condition: `field`, which holds a person's id, is that of somebody in one of the groups."""
    return _is_in(field, MembershipRow.filter(group_id__in=list(group_ids)))


def _is_in(field: str, rows: QuerySet[Any]) -> Q:
    named: dict[str, Any] = {f"{field}__in": Subquery(rows.values("person_id"))}
    return Q(**named)


def group_of(row: GroupRow) -> Group:
    """A group as the core knows it."""
    return Group(row.id, row.name, row.shown)
