"""Mail that goes round: lists in lists, automats, forwarded and resent mail. It always comes to an end."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.posts import PostState
from bot.core.stores import Page
from tests.support.world import World, mail, parsed

ANNE, BRUNO = "Anne <anne@example.org>", "bruno@example.net"
HOPS = 12
"""More than any mail here needs to come to its end."""


async def carry(*lists: World, carried: int = 0) -> int:
    """Play the servers of the world: what was sent to a list arrives there.

    `carried`: so many mails were carried before; how many are now.
    """
    relay, hops = lists[0].relay, 0
    while carried < len(relay.taken):
        hops += 1
        assert hops < HOPS, "it goes round"
        under_way, carried = relay.taken[carried:], len(relay.taken)
        for taken in under_way:
            for mlist in lists:
                if mlist.address in taken.recipients:
                    await mlist.put(b"Return-Path: <" + taken.mail_from.encode() + b">\r\n" + taken.raw)
        await lists[0].pass_()
    return carried


async def rules(world: World) -> list[tuple[str, str]]:
    """List and rule of everything that came in, in order."""
    found = await world.app.stores.posts.find(None, list(PostState), "", Page())
    names = {mlist.id: mlist.local_part for mlist in await world.app.stores.lists.all()}
    return [(names[post.mlist_id], post.rule) for post in reversed(found.items)]


@pytest.mark.parametrize("moderation", ["non_members", "all"])
async def test_two_lists_that_are_members_of_each_other(world: World, moderation: str) -> None:
    """Everybody gets a post once, and a moderator is asked once a list (Amapress looped before 0.83.0)."""
    other = world.another()
    await world.add_list(notify_auto="yes")
    await other.add_list(moderation=moderation, notify_auto="yes", notify_unknown="yes")
    await world.members(ANNE, other.address)
    await other.members(BRUNO, world.address)

    await world.deliver(mail(author=ANNE, to="undisclosed-recipients:;"))
    carried = await carry(world, other)
    if moderation == "all":
        await world.do("/distribute 2")
        await world.pass_()
        await carry(world, other, carried=carried)

    assert world.copied_to() == sorted(["anne@example.org", BRUNO, world.address, other.address])
    assert (await rules(world))[0] == (world.name, "member")
    assert (await rules(world))[-1] == (world.name, "loop")
    copy = next(parsed(taken) for taken in world.copies() if BRUNO in taken.recipients)
    assert copy.get_all("X-Loop") == [world.address, other.address]
    assert other.name in str(copy["List-Id"])
    told = [taken.recipients for taken in world.copies() if b"auto-replied" in taken.raw]
    assert told == [("anne@example.org",)], "no notice is sent to a list"


async def test_a_list_that_is_its_own_member_and_one_that_is_reached_by_an_alias(world: World) -> None:
    await world.add_list()
    await world.members(ANNE, world.address, "alias@example.org")
    await world.deliver(mail(author=ANNE, to="somebody@example.org"))
    assert world.copied_to() == ["alias@example.org", "anne@example.org"]
    await world.deliver(world.copies()[0].raw)  # the alias is forwarded to the list's own mailbox
    assert await world.state(2) == ("discarded", "loop")
    assert len(world.copies()) == 1


VACATIONS: dict[str, dict[str, Any]] = {
    "Exchange": {"Auto_Submitted": "auto-generated", "subject": "Automatic reply: [x] Carottes"},
    "RFC 3834": {"Auto_Submitted": "auto-replied", "subject": "Re: [x] Carottes"},
    "old vacation": {"Precedence": "bulk", "subject": "away from my mail"},
    "cPanel": {"X_Autorespond": "Carottes", "subject": "Absence"},
    "Orange": {"Return_Path": "<>", "subject": "Réponse automatique : Carottes"},
}


async def test_vacation_replies_go_no_further_and_are_not_answered(world: World) -> None:
    """On a list that is open to everybody; Amapress distributed them, others answered them for ever."""
    await world.add_list(moderation="open", notify_auto="yes", notify_unknown="yes")
    await world.members(ANNE)
    await world.do(f"/addmember {world.name} {BRUNO}")
    await world.deliver(
        *(mail(author=f"{name.replace(' ', '')}@example.net", **fields) for name, fields in VACATIONS.items())
    )
    assert world.copies() == []
    found = [await world.state(number) for number in range(1, 6)]
    assert found == [
        ("held", "automatic"),
        ("discarded", "auto-reply"),
        ("discarded", "auto-reply"),
        ("discarded", "auto-reply"),
        ("discarded", "auto-reply"),
    ]


async def test_mail_that_came_a_long_way_and_mail_that_was_resent(world: World) -> None:
    """50 Received: held, whoever wrote it. Resent-From vouches for nobody; Resent-Bcc is told to nobody."""
    await world.add_list()
    await world.members(ANNE)
    received = b"Received: from a.example by b.example; Tue, 10 Mar 2026 09:00:00 +0100\r\n"
    resent: dict[str, Any] = {
        "Resent_From": ANNE,
        "Resent_To": world.address,
        "Resent_Bcc": "secret@example.org",
    }
    await world.deliver(received * 50 + mail(author=ANNE), mail(author="eve@example.net", **resent))
    assert [await world.state(1), await world.state(2)] == [("held", "loop"), ("held", "default")]
    assert "⚠️" in await world.said("/show 1")
    await world.distribute(2)
    [copy] = world.copies()
    assert parsed(copy)["Resent-To"] == world.address
    assert b"secret" not in copy.raw
