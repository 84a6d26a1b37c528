"""Whom the rules judge: every author, and Sender as a second candidate."""

from __future__ import annotations

import pytest

from bot.core.addresses import Address, Mailbox, fold
from bot.core.people import Role
from bot.core.stores import Stores
from bot.flow.screening import standings
from tests.support.clock import ManualClock
from tests.unit.flow.posts import LIST, a_header, a_post

MODERATORS = ("mod@example.org", "mod@other.example")


@pytest.mark.parametrize(
    ("authors", "lines", "roles"),
    [
        (["mod@example.org"], [], [{Role.MODERATOR}]),
        (["x@example.org"], [], [set()]),
        (["x@example.org"], ["Sender: mod@example.org"], [{Role.MODERATOR}]),
        (["x@example.org"], ["Sender: Mod <MOD@Example.org>"], [{Role.MODERATOR}]),
        (["x@example.org"], ["Sender: mod@other.example"], [set()]),  # of another domain
        (["x@example.org"], ["Sender: <"], [set()]),
        (["x@gmail.com"], ["Sender: mod@gmail.com"], [set()]),  # whose customers have nothing in common
        (["mod@example.org"], ["Sender: x@example.org"], [{Role.MODERATOR}]),
        (["mod@example.org", "x@example.org"], [], [{Role.MODERATOR}, set()]),
        (["x@example.org", "y@example.org"], ["Sender: mod@example.org"], [set(), set()]),
        ([], ["Sender: mod@example.org"], []),
    ],
)
async def test_sender_counts_only_beside_a_lone_author_of_its_domain(
    stores: Stores, clock: ManualClock, authors: list[str], lines: list[str], roles: list[set[Role]]
) -> None:
    mlist = await stores.lists.add(Address(LIST), {}, clock.now())
    for moderator in MODERATORS:
        await stores.people.grant(mlist, Role.MODERATOR, Mailbox("", fold(moderator)))
    found = await standings(stores.people, mlist, a_post(*authors), a_header(*lines))
    assert [set(standing.roles) for standing in found] == roles
