"""Who gets an accepted post: computed once, from the directory as it is at the decision."""

from __future__ import annotations

import pytest

from bot.core.addresses import Mailbox, fold
from bot.core.authentication import Policy
from bot.core.changing import changed
from bot.core.deliveries import MailingKind
from bot.core.header import split
from bot.core.lists import MailingList
from bot.core.people import Role
from bot.core.stores import Stores
from bot.flow.distribution import copy_for, recipients
from tests.support.clock import ManualClock
from tests.unit.flow.posts import LIST, a_header

PEOPLE = {
    Role.MEMBER: ["anne@example.org", "boris@example.org", "clara@example.org"],
    Role.MODERATOR: ["anne@example.org", "mod@example.org"],
    Role.UNMODERATED: ["farm@example.org"],
    Role.OWNER: ["owner@example.org"],
}


async def a_list_of(stores: Stores, clock: ManualClock, **typed: str) -> MailingList:
    """The list with everybody in `PEOPLE`."""
    mlist = await stores.lists.add(fold(LIST), changed({}, typed), clock.now())
    for role, addresses in PEOPLE.items():
        for address in addresses:
            await stores.people.grant(mlist, role, Mailbox("", fold(address)))
    return mlist


async def of_a_post(stores: Stores, mlist: MailingList, *lines: str) -> set[str]:
    """Local parts of the recipients, each counted once."""
    found = await recipients(stores, mlist, a_header(*(lines or ("From: stranger@example.net",))))
    assert len(found) == len(set(found))
    return {address.partition("@")[0] for address in found}


async def test_members_get_a_post_once_and_nobody_else(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list_of(stores, clock)
    assert await of_a_post(stores, mlist) == {"anne", "boris", "clara"}


@pytest.mark.parametrize(
    ("typed", "more"),
    [
        ({"include_moderators": "yes"}, {"mod"}),
        ({"include_unmoderated": "yes"}, {"farm"}),
        ({"include_moderators": "yes", "include_unmoderated": "yes"}, {"mod", "farm"}),
    ],
)
async def test_other_roles_are_members_too_where_the_list_says_so(
    stores: Stores, clock: ManualClock, typed: dict[str, str], more: set[str]
) -> None:
    mlist = await a_list_of(stores, clock, **typed)
    assert await of_a_post(stores, mlist) == {"anne", "boris", "clara"} | more


async def test_excluded_people_get_nothing(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list_of(stores, clock, include_moderators="yes")
    for address in ("boris@example.org", "mod@example.org"):
        await stores.people.grant(mlist, Role.EXCLUDED, Mailbox("", fold(address)))
    assert await of_a_post(stores, mlist) == {"anne", "clara"}


async def test_neither_placeholders_nor_the_list_itself_get_a_copy(
    stores: Stores, clock: ManualClock
) -> None:
    mlist = await a_list_of(stores, clock)
    for address in ("dora@nomail.org", LIST):
        await stores.people.grant(mlist, Role.MEMBER, Mailbox("", fold(address)))
    assert await of_a_post(stores, mlist) == {"anne", "boris", "clara"}


@pytest.mark.parametrize("field", ["To", "Cc", "CC"])
async def test_whoever_is_addressed_already_gets_no_second_copy(
    stores: Stores, clock: ManualClock, field: str
) -> None:
    lines = ("From: x@example.net", f"{field}: {LIST}, Team: Boris <BORIS@Example.ORG>;")
    mlist = await a_list_of(stores, clock)
    assert await of_a_post(stores, mlist, *lines) == {"anne", "clara"}


async def test_a_blind_copy_or_an_answer_address_is_not_addressed(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list_of(stores, clock)
    lines = ("From: x@example.net", "Bcc: boris@example.org", "Reply-To: clara@example.org")
    assert await of_a_post(stores, mlist, *lines) == {"anne", "boris", "clara"}


async def test_everybody_gets_a_copy_where_addressed_people_are_not_skipped(
    stores: Stores, clock: ManualClock
) -> None:
    mlist = await a_list_of(stores, clock, skip_addressed="no")
    assert await of_a_post(stores, mlist, "Cc: boris@example.org") == {"anne", "boris", "clara"}


@pytest.mark.parametrize(("typed", "author_too"), [({}, True), ({"copy_to_author": "no"}, False)])
async def test_an_author_gets_a_copy_unless_the_list_says_no(
    stores: Stores, clock: ManualClock, typed: dict[str, str], author_too: bool
) -> None:
    mlist = await a_list_of(stores, clock, **typed)
    found = await of_a_post(stores, mlist, "From: Boris <Boris@example.org>")
    assert ("boris" in found) is author_too


async def test_a_list_of_nobody_distributes_to_nobody(stores: Stores, clock: ManualClock) -> None:
    mlist = await stores.lists.add(fold(LIST), {}, clock.now())
    assert await recipients(stores, mlist, a_header()) == ()


async def test_the_copy_is_sent_by_the_list_with_a_header_of_its_own(
    stores: Stores, clock: ManualClock
) -> None:
    mlist = await a_list_of(stores, clock)
    await stores.people.grant(mlist, Role.OWNER, Mailbox("", fold("none@nomail.org")))
    copy = await copy_for(stores, mlist, a_header("From: x@example.net"), Policy.NONE, clock.now())
    assert (copy.kind, copy.mail_from, copy.body, copy.due_at) == (MailingKind.COPY, LIST, None, clock.now())
    assert split(copy.header)[0].all("list-owner") == ["<mailto:owner@example.org>"]
