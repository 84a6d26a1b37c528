"""The recipients of a post are those that the rules name, whatever the directory looks like."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.addresses import Address, Mailbox, fold
from bot.core.header import Header, split
from bot.core.people import Role
from bot.core.stores import Stores
from bot.flow.distribution import recipients
from tests.support.clock import ManualClock
from tests.support.stores import a_list

_numbers = count(1)
_PEOPLE, _GROUPS = 5, 3
_ADDRESSES = (
    ("anne@example.org", "Anne@Home.example"),
    ("boris@example.org",),
    ("carole@nomail.org", "carole@example.org"),
    ("daniel",),
    ("élise@exämple.org",),
)
who = st.sampled_from([*((f"person {n}") for n in range(_PEOPLE)), *((f"group {n}") for n in range(_GROUPS))])


@dataclass(frozen=True)
class World:
    """Who is in which group, what everybody is, how the list is set, to whom the author wrote."""

    joined: set[tuple[int, int]]
    roles: set[tuple[str, Role]]
    include_moderators: bool
    include_unmoderated: bool
    skip_addressed: bool
    copy_to_author: bool
    author: int
    addressed: set[int]


worlds = st.builds(
    World,
    st.sets(st.tuples(st.integers(0, _GROUPS - 1), st.integers(0, _PEOPLE - 1))),
    st.sets(st.tuples(who, st.sampled_from(Role))),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, _PEOPLE - 1),
    st.sets(st.integers(0, _PEOPLE - 1), max_size=2),
)


def expected(world: World) -> set[Address]:
    """DESIGN's sentences: every address of every member, minus those that it names."""
    has = {(n, role) for n in range(_PEOPLE) for name, role in world.roles if name == f"person {n}"}
    has |= {(n, role) for g, n in world.joined for name, role in world.roles if name == f"group {g}"}
    counting = {Role.MEMBER}
    counting |= {Role.MODERATOR} if world.include_moderators else set()
    counting |= {Role.UNMODERATED} if world.include_unmoderated else set()
    members = {n for n, role in has if role in counting} - {n for n, role in has if role is Role.EXCLUDED}
    members -= set() if world.copy_to_author else {world.author}
    found = {fold(address) for n in members for address in _ADDRESSES[n]}
    found -= {fold(_ADDRESSES[n][0]) for n in world.addressed} if world.skip_addressed else set()
    return {address for address in found if "@" in address and not address.endswith("@nomail.org")}


def header_of(world: World, prefix: str) -> Header:
    to = ", ".join(prefix + _ADDRESSES[n][0] for n in world.addressed) or "list@example.org"
    return split(f"From: {prefix}{_ADDRESSES[world.author][0]}\r\nTo: {to}\r\n\r\n".encode())[0]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(world=worlds)
async def test_recipients_are_those_of_the_rules(stores: Stores, clock: ManualClock, world: World) -> None:
    """Each example has people, groups and a list of its own in the same database."""
    prefix = f"{next(_numbers)}-"
    mlist = await a_list(stores, clock.now(), f"{prefix}list@example.org")
    names = ("include_moderators", "include_unmoderated", "skip_addressed", "copy_to_author")
    mlist = await stores.lists.change(mlist, {name: getattr(world, name) for name in names})
    mailboxes = [Mailbox("", fold(prefix + addresses[0])) for addresses in _ADDRESSES]
    groups = [await stores.groups.add(f"{prefix}{n}", "") for n in range(_GROUPS)]
    for group, person in world.joined:
        await stores.groups.join(groups[group], mailboxes[person])
    for name, role in world.roles:
        kind, number = name.split()
        if kind == "person":
            await stores.people.grant(mlist, role, mailboxes[int(number)])
        else:
            await stores.people.grant_group(mlist, role, groups[int(number)])
    for mailbox, addresses in zip(mailboxes, _ADDRESSES, strict=True):
        known = await stores.people.find(mailbox.address)
        for address in addresses[1:] if known else ():
            assert known
            await stores.people.add_address(known.id, fold(prefix + address))

    found = await recipients(stores, mlist, header_of(world, prefix))

    assert len(found) == len(set(found))
    assert set(found) == {fold(prefix + address) for address in expected(world)}
