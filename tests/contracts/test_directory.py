"""What the directory promises: groups, roles by person and by group, one owner for each address."""

from __future__ import annotations

import pytest

from bot.core.addresses import Address, Mailbox, fold
from bot.core.deliveries import DeliveryState
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import BY_HAND, Ban, Group, Role, Way
from bot.core.posts import Disposition
from bot.core.stores import Page, Stores
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.stores import a_list, accepted, decision, new_post, screened

ANNE = Mailbox("Anne Martin", fold("anne@example.org"))
BORIS = Mailbox("Boris", fold("boris@example.org"))


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    """A list without people."""
    return await a_list(stores, clock.now())


@pytest.fixture
async def group(stores: Stores) -> Group:
    """A group with Anne in it."""
    made = await stores.groups.add("legumes", "")
    await stores.groups.join(made, ANNE)
    return made


async def addresses(stores: Stores, mlist: MailingList, role: Role = Role.MEMBER) -> list[Address]:
    return list(await stores.people.addresses_of(mlist, role))


async def test_a_group_has_one_name(stores: Stores, group: Group) -> None:
    with pytest.raises(UserError, match="There is a group @legumes already"):
        await stores.groups.add("legumes", "")

    assert await stores.groups.named("legumes") == group
    assert await stores.groups.named("pain") is None
    assert [facts.group for facts in await stores.groups.all()] == [group]


async def test_people_join_once_and_leave(stores: Stores, group: Group) -> None:
    assert (await stores.groups.join(group, ANNE))[1] is False
    assert (await stores.groups.join(group, BORIS))[1] is True
    facts = await stores.groups.facts(group)
    assert (facts.people, facts.addresses) == (2, 2)

    left = await stores.groups.leave(group, ANNE.address)

    assert left
    assert left.name == "Anne Martin"
    assert await stores.groups.leave(group, ANNE.address) is None
    assert await stores.groups.leave(group, fold("nobody@example.org")) is None
    assert [h.person.name for h in (await stores.groups.holders(group, "", Page())).items] == ["Boris"]
    assert await stores.people.find(ANNE.address) == left


async def test_whoever_is_in_a_group_has_its_roles(stores: Stores, mlist: MailingList, group: Group) -> None:
    """Those who join later too; and both ways are told of whoever is there twice."""
    assert await stores.people.grant_group(mlist, Role.MEMBER, group)
    assert not await stores.people.grant_group(mlist, Role.MEMBER, group)
    await stores.people.grant(mlist, Role.MEMBER, ANNE)
    await stores.groups.join(group, BORIS)

    found = (await stores.people.holders(mlist, Role.MEMBER, "", Page())).items
    assert [(holder.person.name, holder.ways) for holder in found] == [
        ("Anne Martin", (BY_HAND, Way("@legumes"))),
        ("Boris", (Way("@legumes"),)),
    ]
    assert await addresses(stores, mlist) == [ANNE.address, BORIS.address]
    assert (await stores.people.standing(mlist, BORIS.address)).roles == {Role.MEMBER}
    counts = await stores.lists.counts(mlist)
    assert (counts.people, counts.addresses) == (2, 2)
    assert await stores.people.groups_of(mlist, Role.MEMBER) == [group]

    assert await stores.people.revoke(mlist, Role.MEMBER, BORIS.address) is None
    assert await stores.people.revoke_group(mlist, Role.MEMBER, group)
    assert not await stores.people.revoke_group(mlist, Role.MEMBER, group)
    assert await addresses(stores, mlist) == [ANNE.address]


async def test_moderators_may_be_members_too(stores: Stores, mlist: MailingList, group: Group) -> None:
    """With `include_moderators`, by hand or by group, in every count and listing."""
    await stores.people.grant_group(mlist, Role.MODERATOR, group)
    await stores.people.grant(mlist, Role.UNMODERATED, BORIS)
    assert await addresses(stores, mlist) == []

    mlist = await stores.lists.change(mlist, {"include_moderators": True, "include_unmoderated": True})

    assert await addresses(stores, mlist) == [ANNE.address, BORIS.address]
    anne = await stores.people.holder(mlist, Role.MEMBER, ANNE.address)
    boris = await stores.people.holder(mlist, Role.MEMBER, BORIS.address)
    assert anne
    assert boris
    assert (anne.via, boris.via, boris.by_hand) == (("@legumes",), ("unmoderated",), False)
    assert (await stores.lists.counts(mlist)).people == 2


async def test_some_groups_are_in_every_list(database: Where, box: FernetBox, clock: ManualClock) -> None:
    """`always_members`: the lists to come, too."""
    async with open_stores(database, box, ["bureau", "nobody-made-this"]) as stores:
        bureau = await stores.groups.add("bureau", "")
        await stores.groups.join(bureau, ANNE)
        mlist = await a_list(stores, clock.now())

        assert await addresses(stores, mlist) == [ANNE.address]
        assert await addresses(stores, mlist, Role.MODERATOR) == []
        assert (await stores.people.standing(mlist, ANNE.address)).roles == {Role.MEMBER}
        assert (await stores.lists.counts(mlist)).people == 1
        assert await stores.people.groups_of(mlist, Role.MEMBER) == [bureau]
        anne = await stores.people.profile((await stores.people.search("anne", 9))[0].id)
        assert anne.roles == ((mlist.address, Role.MEMBER, (Way("@bureau"),)),)


async def test_a_deleted_group_takes_its_roles_along(
    stores: Stores, mlist: MailingList, group: Group
) -> None:
    await stores.people.grant_group(mlist, Role.OWNER, group)

    await stores.groups.delete(group)

    assert await addresses(stores, mlist, Role.OWNER) == []
    assert await stores.people.find(ANNE.address)
    with pytest.raises(UserError, match="@legumes was deleted"):
        await stores.groups.facts(group)


async def test_a_deleted_list_leaves_the_groups(stores: Stores, mlist: MailingList, group: Group) -> None:
    await stores.people.grant_group(mlist, Role.MEMBER, group)

    await stores.lists.delete(mlist, 0)

    assert (await stores.groups.facts(group)).roles == ()


async def test_an_address_belongs_to_one_person(stores: Stores, mlist: MailingList) -> None:
    anne, _ = await stores.people.grant(mlist, Role.MEMBER, ANNE)
    await stores.people.grant(mlist, Role.MEMBER, BORIS)

    with pytest.raises(UserError, match=r"boris@example.org is an address of Boris <boris@example.org>"):
        await stores.people.add_address(anne.id, BORIS.address)
    household = await stores.people.add_address(anne.id, fold("Léa@exämple.org"))
    assert household == await stores.people.add_address(anne.id, fold("léa@EXÄMPLE.org"))

    assert household.addresses == ("anne@example.org", "léa@xn--exmple-cua.org")
    assert (await stores.people.standing(mlist, household.addresses[1])).roles == {Role.MEMBER}
    assert (await stores.lists.counts(mlist)).addresses == 3


async def test_nobody_is_left_without_an_address(stores: Stores, mlist: MailingList) -> None:
    anne, _ = await stores.people.grant(mlist, Role.MEMBER, ANNE)
    with pytest.raises(UserError, match="the only address"):
        await stores.people.remove_address(ANNE.address)
    with pytest.raises(UserError, match="Nobody has"):
        await stores.people.remove_address(BORIS.address)
    await stores.people.add_address(anne.id, fold("a@example.net"))

    assert (await stores.people.remove_address(ANNE.address)).addresses == ("a@example.net",)
    assert (await stores.people.rename(anne.id, "Anne Roy")).name == "Anne Roy"


async def test_people_are_found_by_words_and_by_likeness(stores: Stores, mlist: MailingList) -> None:
    anne, _ = await stores.people.grant(mlist, Role.MEMBER, ANNE)
    paul, _ = await stores.people.grant(mlist, Role.MEMBER, Mailbox("Paul Martin", fold("paul@example.org")))
    await stores.people.grant(mlist, Role.MEMBER, BORIS)

    assert list(await stores.people.search("MARTIN", 5)) == [anne, paul]
    assert list(await stores.people.search("martin", 1)) == [anne]
    assert list(await stores.people.alike(Mailbox("MARTIN Anne", fold("am@free.fr")), 5)) == [anne, paul]
    assert list(await stores.people.alike(Mailbox("", fold("anne@free.fr")), 5)) == [anne]
    assert list(await stores.people.alike(Mailbox("Zoé", fold("zoe@free.fr")), 5)) == []


async def test_a_forgotten_person_is_nowhere(
    stores: Stores, clock: ManualClock, mlist: MailingList, group: Group
) -> None:
    """The fact of their posts stays; what they wrote, who they were and what was sent them does not.

    Whoever leaves can have it so (data protection).
    """
    await stores.people.grant(mlist, Role.MEMBER, ANNE)
    await stores.bans.add(Ban(ANNE.address, None, "Boris", clock.now()))
    await accepted(stores, mlist, clock.now(), [ANNE.address, BORIS.address])
    post = await screened(stores, new_post(mlist.id, clock.now(), text="Secret"), Disposition.DISCARD)
    anne = await stores.people.find(ANNE.address)
    assert anne
    with pytest.raises(UserError, match="on their way: #1"):
        await stores.people.forget(anne.id)
    await stores.outbox.drop([mlist.id], 1, "", clock.now())

    assert await stores.people.forget(anne.id) == 2

    assert await stores.people.find(ANNE.address) is None
    assert (await stores.groups.facts(group)).people == 0
    assert await stores.bans.concerning(None) == []
    kept = await stores.posts.get(post.id)
    assert (kept.text, kept.authors, kept.received_at) == ("", (), post.received_at)
    with pytest.raises(UserError):
        await stores.posts.raw(post.id)
    sent = (await stores.outbox.find(None, tuple(DeliveryState), "", Page())).items
    assert sorted(delivery.recipient for delivery in sent) == ["", BORIS.address]
    found = await stores.posts.find([mlist.id], tuple(type(post.state)), "anne", Page())
    assert found.total == 0
    with pytest.raises(UserError, match="not in the directory"):
        await stores.people.profile(anne.id)


async def test_a_held_post_stands_in_the_way_of_forgetting(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    """Somebody has to decide it: nothing is lost silently."""
    anne, _ = await stores.people.grant(mlist, Role.MEMBER, ANNE)
    post = await screened(stores, new_post(mlist.id, clock.now()))
    with pytest.raises(UserError, match=f"#{post.id}"):
        await stores.people.forget(anne.id)

    await stores.posts.decide(decision(post, clock.now(), disposition=Disposition.REJECT))

    assert await stores.people.forget(anne.id) == 1
