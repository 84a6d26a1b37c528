"""What every `RosterStore` promises: a preview is what is done, and nobody gets another's mail or rights."""

from __future__ import annotations

import pytest

from bot.core.addresses import Mailbox, fold
from bot.core.lists import MailingList
from bot.core.people import Group, Role
from bot.core.rosters import Change, Extends, Line, Plan, Wanted
from bot.core.stores import Page, Stores
from tests.support.clock import ManualClock
from tests.support.stores import a_list

ANNE, BORIS = Mailbox("Anne", fold("anne@example.org")), Mailbox("Boris", fold("boris@example.org"))


def line(number: int, name: str, *addresses: str) -> Line:
    return Line(number, name, tuple(map(fold, addresses)))


def said(plan: Plan) -> list[tuple[int, Change]]:
    return [(row.line, row.change) for row in plan.rows]


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    return await a_list(stores, clock.now())


@pytest.fixture
async def group(stores: Stores) -> Group:
    return await stores.groups.add("legumes", "/srv/sheet.csv")


async def test_many_new_people_keep_their_addresses(stores: Stores, mlist: MailingList) -> None:
    """They are stored many at a time, and each address finds its own person."""
    lines = [line(n, f"P{n}", f"{n}@example.org", f"x{n}@example.org") for n in range(1, 701)]

    assert (await stores.rosters.preview(mlist, lines, Wanted())).count(Change.ADDED) == 700
    assert (await stores.rosters.apply(mlist, lines, Wanted())).count(Change.ADDED) == 700

    for number in (1, 350, 700):
        person = await stores.people.find(fold(f"x{number}@example.org"))
        assert person
        assert (person.name, person.addresses[0]) == (f"P{number}", f"{number}@example.org")
    assert (await stores.lists.counts(mlist)).people == 700
    gone = await stores.rosters.apply(mlist, lines[:1], Wanted())
    assert gone.count(Change.REMOVED) == 699
    assert (await stores.lists.counts(mlist)).people == 1


async def test_a_source_and_a_hand_are_two_ways_into_a_group(stores: Stores, group: Group) -> None:
    """What one brings the other does not take."""
    await stores.groups.join(group, ANNE)
    both = [line(2, "", ANNE.address), line(3, "", BORIS.address)]
    await stores.rosters.apply(group, both, Wanted(), by_source=True)
    await stores.rosters.apply(group, [], Wanted(), by_source=True)
    found = (await stores.groups.holders(group, "", Page())).items
    assert [(holder.person.name, holder.by_hand, holder.via) for holder in found] == [("Anne", True, ())]

    await stores.rosters.apply(group, both, Wanted(), by_source=True)
    plan = await stores.rosters.apply(group, both[1:], Wanted())

    assert said(plan) == [(3, Change.KEPT), (0, Change.REMOVED)]
    found = (await stores.groups.holders(group, "", Page())).items
    assert [holder.via for holder in found] == [("/srv/sheet.csv",)] * 2


@pytest.mark.parametrize(
    ("extends", "changed"),
    [(Extends.ANYBODY, {"anne", "boris"}), (Extends.PLAIN, {"anne"}), (Extends.NOBODY, set())],
)
async def test_nobody_takes_over_another_by_a_sheet(
    stores: Stores, mlist: MailingList, group: Group, extends: Extends, changed: set[str]
) -> None:
    """Whoever reads an address of a moderator is one: here Boris, by his group."""
    await stores.people.grant(mlist, Role.MEMBER, ANNE)
    await stores.people.grant_group(mlist, Role.MODERATOR, group)
    await stores.groups.join(group, BORIS)
    lines = [line(2, "", ANNE.address, "x@evil.example"), line(3, "", BORIS.address, "y@evil.example")]

    await stores.rosters.apply(mlist, lines, Wanted(extends=extends))

    found = {}
    for who in (ANNE, BORIS):
        person = await stores.people.find(who.address)
        assert person
        found[who.name.lower()] = len(person.addresses)
    assert {name for name, count in found.items() if count == 2} == changed
    assert (await stores.lists.counts(mlist)).people == 2
