"""The recipients of a post are those that the rules name, whatever the directory looks like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.addresses import Address, Mailbox, fold
from bot.core.bounces import Failure, Limit
from bot.core.header import Header, split
from bot.core.people import Role
from bot.core.stores import Stores
from bot.flow.distribution import recipients
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
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
    """Who is in which group, what everybody is, how the list is set, to whom the author wrote.

    The group `always` is a member of every list; the addresses of `suspended` are not reached.
    """

    joined: set[tuple[int, int]]
    always: int | None
    suspended: set[int]
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
    st.none() | st.integers(0, _GROUPS - 1),
    st.sets(st.integers(0, _PEOPLE - 1), max_size=2),
    st.sets(st.tuples(who, st.sampled_from(Role))),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, _PEOPLE - 1),
    st.sets(st.integers(0, _PEOPLE - 1), max_size=2),
)


def expected(world: World) -> set[Address]:
    """Every address of every member, minus those that it names."""
    has = {(n, role) for n in range(_PEOPLE) for name, role in world.roles if name == f"person {n}"}
    has |= {(n, role) for g, n in world.joined for name, role in world.roles if name == f"group {g}"}
    has |= {(n, Role.MEMBER) for g, n in world.joined if g == world.always}
    counting = {Role.MEMBER}
    counting |= {Role.MODERATOR} if world.include_moderators else set()
    counting |= {Role.UNMODERATED} if world.include_unmoderated else set()
    members = {n for n, role in has if role in counting} - {n for n, role in has if role is Role.EXCLUDED}
    members -= set() if world.copy_to_author else {world.author}
    found = {fold(address) for n in members for address in _ADDRESSES[n]}
    found -= {fold(_ADDRESSES[n][-1]) for n in world.suspended}
    found -= {fold(_ADDRESSES[n][0]) for n in world.addressed} if world.skip_addressed else set()
    return {address for address in found if "@" in address and not address.endswith("@nomail.org")}


def header_of(world: World, prefix: str) -> Header:
    to = ", ".join(prefix + _ADDRESSES[n][0] for n in world.addressed) or "list@example.org"
    return split(f"From: {prefix}{_ADDRESSES[world.author][0]}\r\nTo: {to}\r\n\r\n".encode())[0]


def _in_every_list(number: int) -> str:
    return f"{number}-everywhere"


@pytest.fixture
async def everywhere(database: Where, box: FernetBox) -> AsyncIterator[Stores]:
    """Each example may have a group that is in every list."""
    async with open_stores(database, box, [_in_every_list(n) for n in range(1000)]) as opened:
        yield opened


@settings(max_examples=60)
@given(world=worlds)
async def test_recipients_are_those_of_the_rules(
    everywhere: Stores, clock: ManualClock, world: World
) -> None:
    """Each example has people, groups and a list of its own in the same database."""
    stores, number = everywhere, next(_numbers)
    prefix = f"{number}-"
    mlist = await a_list(stores, clock.now(), f"{prefix}list@example.org")
    names = ("include_moderators", "include_unmoderated", "skip_addressed", "copy_to_author")
    mlist = await stores.lists.change(mlist, {name: getattr(world, name) for name in names})
    mailboxes = [Mailbox("", fold(prefix + addresses[0])) for addresses in _ADDRESSES]
    groups = [
        await stores.groups.add(_in_every_list(number) if n == world.always else f"{prefix}{n}", "")
        for n in range(_GROUPS)
    ]
    for group, person in world.joined:
        await stores.groups.join(groups[group], mailboxes[person])
    for name, role in world.roles:
        kind, which = name.split()
        if kind == "person":
            await stores.people.grant(mlist, role, mailboxes[int(which)])
        else:
            await stores.people.grant_group(mlist, role, groups[int(which)])
    for mailbox, addresses in zip(mailboxes, _ADDRESSES, strict=True):
        known = await stores.people.find(mailbox.address)
        for address in addresses[1:] if known else ():
            assert known
            await stores.people.add_address(known.id, fold(prefix + address))

    for n in world.suspended:
        gone = Failure(fold(prefix + _ADDRESSES[n][-1]), "550 5.1.1 unknown")
        await stores.bounces.note(mlist.id, gone, clock.now(), Limit(1, timedelta(7)))

    found = await recipients(stores, mlist, header_of(world, prefix))
    if world.always is not None:  # the lists of the other examples are not to have it
        await stores.groups.delete(groups[world.always])

    assert len(found) == len(set(found))
    assert set(found) == {fold(prefix + address) for address in expected(world)}
