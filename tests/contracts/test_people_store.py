"""What every `PeopleStore` and `BanStore` promises: one person per address, roles given once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.addresses import Mailbox, fold
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Ban, Holder, Role, Standing
from bot.core.posts import Disposition
from bot.core.stores import Listing, Page, Stores
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.stores import a_list, accepted, decision, new_post, screened

ANNE = Mailbox("Anne Martin", fold("anne@example.org"))


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    """A list without people."""
    return await a_list(stores, clock.now())


async def members(stores: Stores, mlist: MailingList, words: str = "", page: Page | None = None) -> list[str]:
    """The names of the members found."""
    found = await stores.people.holders(mlist, Role.MEMBER, words, page or Page())
    return [holder.person.name for holder in found.items]


async def test_a_role_is_given_once(stores: Stores, mlist: MailingList) -> None:
    """The second time changes nothing, and says so."""
    anne, new = await stores.people.grant(mlist, Role.MEMBER, ANNE)
    again, repeated = await stores.people.grant(mlist, Role.MEMBER, ANNE)

    assert (new, repeated) == (True, False)
    assert anne == again
    assert (anne.name, anne.addresses) == ("Anne Martin", ("anne@example.org",))


async def test_a_known_address_keeps_its_person(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """An empty name is filled, a name is never replaced: renaming has a command of its own."""
    other = await a_list(stores, clock.now(), "pain@example.org")
    nameless, _ = await stores.people.grant(mlist, Role.MEMBER, Mailbox("", ANNE.address))
    named, _ = await stores.people.grant(other, Role.OWNER, ANNE)
    kept, _ = await stores.people.grant(other, Role.MEMBER, Mailbox("Nana", ANNE.address))

    assert nameless.id == named.id == kept.id
    assert (nameless.name, named.name, kept.name) == ("", "Anne Martin", "Anne Martin")


async def test_a_role_is_taken_away(stores: Stores, mlist: MailingList) -> None:
    """From who has it; the person stays in the directory with the other roles."""
    anne, _ = await stores.people.grant(mlist, Role.MEMBER, ANNE)
    await stores.people.grant(mlist, Role.OWNER, ANNE)

    assert anne == await stores.people.revoke(mlist, Role.MEMBER, ANNE.address)
    assert await stores.people.revoke(mlist, Role.MEMBER, ANNE.address) is None
    assert await stores.people.revoke(mlist, Role.MEMBER, fold("nobody@example.org")) is None
    assert (await stores.people.standing(mlist, ANNE.address)).roles == {Role.OWNER}


async def test_who_leaves_gets_nothing_however_they_came(stores: Stores, mlist: MailingList) -> None:
    """By hand: no member any more. By a group: still one, excluded. Twice is as good as once."""
    anne, _ = await stores.people.grant(mlist, Role.MEMBER, ANNE)
    assert (await stores.people.leave(mlist, anne.id)).ways == ()
    assert (await stores.people.standing(mlist, ANNE.address)).roles == frozenset()

    group = await stores.groups.add("legumes", "")
    await stores.groups.join(group, ANNE)
    await stores.people.grant_group(mlist, Role.MEMBER, group)
    await stores.people.grant(mlist, Role.MEMBER, ANNE)
    for _ in range(2):
        assert (await stores.people.leave(mlist, anne.id)).via == ("@legumes",)
    assert (await stores.people.standing(mlist, ANNE.address)).roles == {Role.MEMBER, Role.EXCLUDED}
    with pytest.raises(UserError):
        await stores.people.leave(mlist, anne.id + 99)


async def test_a_member_is_one_since_the_oldest_way_of_those_that_are_left(
    database: Where, box: FernetBox, clock: ManualClock
) -> None:
    """By a group since they joined it, or since the list got it, whichever is later."""
    async with open_stores(database, box, clock=clock) as stores:
        mlist, began = await a_list(stores, clock.now()), clock.now()
        group = await stores.groups.add("legumes", "")

        async def since() -> timedelta | None:
            at = (await stores.people.standing(mlist, ANNE.address)).member_since
            return at - began if at else None

        await stores.groups.join(group, ANNE)
        assert await since() is None
        clock.advance(timedelta(days=1))
        await stores.people.grant_group(mlist, Role.MEMBER, group)
        clock.advance(timedelta(days=1))
        await stores.people.grant(mlist, Role.MEMBER, ANNE)
        assert await since() == timedelta(days=1)
        await stores.people.revoke_group(mlist, Role.MEMBER, group)
        assert await since() == timedelta(days=2)


async def test_holders_are_listed_by_name_then_address(stores: Stores, mlist: MailingList) -> None:
    """As readers sort: neither case nor accents matter; in pages, and searched."""
    for name, address in (
        ("Zoé", "z@example.org"),
        ("élodie", "e@example.org"),
        ("Émile", "emile@example.org"),
        ("Anne", "b@example.org"),
        ("Anne", "a@example.org"),
    ):
        await stores.people.grant(mlist, Role.MEMBER, Mailbox(name, fold(address)))
    await stores.people.grant(mlist, Role.OWNER, Mailbox("Owner", fold("o@example.org")))

    everybody = await stores.people.holders(mlist, Role.MEMBER, "", Page())
    assert [holder.person.addresses[0].removesuffix("example.org") for holder in everybody.items] == [
        "a@",
        "b@",
        "e@",
        "emile@",
        "z@",
    ]
    assert (everybody.total, everybody.next_after) == (5, None)
    first = await stores.people.holders(mlist, Role.MEMBER, "", Page(3))
    assert first.total == 5
    assert await members(stores, mlist, page=Page(3, first.next_after)) == ["Émile", "Zoé"]
    assert await stores.people.holders(mlist, Role.MEMBER, "", Page(3, 0)) == first
    assert await members(stores, mlist, "ZOE") == ["Zoé"]
    assert await members(stores, mlist, "anne b@") == ["Anne"]
    assert await members(stores, mlist, "%") == []


async def test_a_page_of_holders_tells_the_way_back(stores: Stores, mlist: MailingList) -> None:
    for name in "abcde":
        await stores.people.grant(mlist, Role.MEMBER, Mailbox(name, fold(f"{name}@example.org")))

    async def page(after: int | None) -> Listing[Holder]:
        return await stores.people.holders(mlist, Role.MEMBER, "", Page(2, after))

    first = await page(None)
    second = await page(first.next_after)
    third = await page(second.next_after)
    assert (first.previous_after, first.before) == (None, 0)
    assert (second.previous_after, second.before) == (0, 2)
    assert (third.previous_after, third.before) == (first.next_after, 4)


async def test_addresses_come_once_and_in_a_stable_order(stores: Stores, mlist: MailingList) -> None:
    """However many roles lead to them."""
    mlist = await stores.lists.change(mlist, {"include_moderators": True})
    for address in ("c@example.org", "a@example.org", "b@example.org"):
        await stores.people.grant(mlist, Role.MEMBER, Mailbox("", fold(address)))
    await stores.people.grant(mlist, Role.MODERATOR, Mailbox("", fold("a@example.org")))

    found = await stores.people.addresses_of(mlist, Role.MEMBER)

    assert found == ["c@example.org", "a@example.org", "b@example.org"]
    assert await stores.people.addresses_of(mlist, Role.MODERATOR) == ["a@example.org"]
    assert await stores.people.addresses_of(mlist, Role.OWNER) == []


async def test_a_stranger_is_unknown(stores: Stores, mlist: MailingList) -> None:
    """And no address at all is nobody."""
    for address in ("stranger@example.org", ""):
        assert Standing(known=False, roles=frozenset()) == await stores.people.standing(mlist, fold(address))


async def test_roles_count_on_their_own_list(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    """A member elsewhere is known here, and no more."""
    other = await a_list(stores, clock.now(), "pain@example.org")
    await stores.people.grant(other, Role.MEMBER, ANNE)

    standing = await stores.people.standing(mlist, ANNE.address)

    assert (standing.known, standing.roles, standing.name) == (True, frozenset(), "Anne Martin")


async def test_the_history_counts_what_people_decided(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """A rule's discard is no refusal: a duplicate is nobody's fault. A very long address is no error."""
    await accepted(stores, mlist, clock.now(), ["a@example.org"])
    await accepted(stores, mlist, clock.now(), [])
    await screened(stores, new_post(mlist.id, clock.now()), Disposition.DISCARD)
    refused = await screened(stores, new_post(mlist.id, clock.now()))
    await stores.posts.decide(decision(refused, clock.now(), disposition=Disposition.REJECT))
    endless = "x" * 5000 + "@example.org"
    await screened(stores, new_post(mlist.id, clock.now(), author=endless), Disposition.ACCEPT)

    anne = await stores.people.standing(mlist, ANNE.address)
    long = await stores.people.standing(mlist, fold(endless))

    assert (anne.posts_accepted, anne.posts_refused) == (2, 1)
    assert (long.posts_accepted, long.posts_refused) == (1, 0)


async def test_what_is_too_long_is_refused_in_a_sentence(stores: Stores, mlist: MailingList) -> None:
    """An author's address may come from any mail."""
    endless = Mailbox("", fold("x" * 5000 + "@example.org"))

    with pytest.raises(UserError, match="shorten it"):
        await stores.people.grant(mlist, Role.UNMODERATED, endless)
    assert await stores.people.revoke(mlist, Role.UNMODERATED, endless.address) is None


async def test_bans_are_of_one_list_or_of_all(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    other = await a_list(stores, clock.now(), "pain@example.org")
    here = Ban("spam@example.org", mlist.id, "Anne", clock.now())
    everywhere = Ban("*@spam.example", None, "Boris", clock.now())

    assert [await stores.bans.add(ban) for ban in (here, everywhere, here, everywhere)] == [
        True,
        True,
        False,
        False,
    ]

    assert await stores.bans.concerning(mlist.id) == [here, everywhere]
    assert await stores.bans.concerning(other.id) == [everywhere]
    assert await stores.bans.concerning(None) == [everywhere]
    assert not await stores.bans.remove(here.pattern, None)
    assert await stores.bans.remove(here.pattern, mlist.id)
    assert not await stores.bans.remove(here.pattern, mlist.id)
    assert await stores.bans.concerning(mlist.id) == [everywhere]
