"""All that is stored about one person, for their page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from bot.core.addresses import Address
from bot.core.people import BY_HAND, Person, Profile, Role, Way
from storage.roles import group_of
from storage.rows import GroupRoleRow, GroupRow, MembershipRow, MlistRow, RoleRow
from storage.values import column


async def profile_of(person: Person, always: Collection[str], posts: int) -> Profile:
    """`always` names the groups that are members of every list."""
    ways: dict[tuple[Address, Role], set[Way]] = defaultdict(set)
    by_hand = RoleRow.filter(person_id=person.id)
    for address, role in await by_hand.values_list("mlist__address", "role"):
        ways[Address(address), Role(role)].add(BY_HAND)
    joined = await column(MembershipRow.filter(person_id=person.id), "group_id")
    groups = sorted(await GroupRow.filter(id__in=joined), key=lambda row: row.name)
    given = GroupRoleRow.filter(group_id__in=joined)
    for address, role, name in await given.values_list("mlist__address", "role", "group__name"):
        ways[Address(address), Role(role)].add(Way(f"@{name}"))
    for group in groups:
        for address in await column(MlistRow.all(), "address") if group.name in always else ():
            ways[Address(address), Role.MEMBER].add(Way(f"@{group.name}"))
    return Profile(
        person=person,
        roles=tuple((address, role, tuple(sorted(ways[address, role]))) for address, role in sorted(ways)),
        groups=tuple(map(group_of, groups)),
        posts=posts,
    )
