"""A post's whole way, on a real mailbox and a real relay."""

from __future__ import annotations

import pytest

from tests.support.stores import BOTH
from tests.support.world import World, every_way, mail

pytestmark = BOTH

MEMBERS = ("anne@example.org", "bruno@example.org")


async def populated(world: World, **settings: str) -> World:
    """A list with two members, a moderator and somebody unmoderated."""
    await world.add_list(**settings)
    for address in MEMBERS:
        await world.do(f"/addmember {world.name} {address}")
    await world.do(f"/addmoderator {world.name} mona@example.org")
    await world.do(f"/addunmoderated {world.name} ursule@example.org")
    return world


@every_way
@pytest.mark.parametrize("moderation", ["all", "non_members", "open"])
@pytest.mark.parametrize(
    ("author", "passes"),
    [
        ("anne@example.org", {"non_members": "member", "open": "open"}),
        ("stranger@example.net", {"open": "open"}),
        ("mona@example.org", dict.fromkeys(("all", "non_members", "open"), "moderator")),
        ("ursule@example.org", dict.fromkeys(("all", "non_members", "open"), "unmoderated")),
    ],
)
async def test_the_mode_and_the_authors_role_decide(
    world: World, moderation: str, author: str, passes: dict[str, str]
) -> None:
    """Who passes is distributed to every member, who does not is held."""
    await populated(world, moderation=moderation)

    await world.deliver(mail(author=author, to=world.address))

    expected = ("distributed", passes[moderation]) if moderation in passes else ("held", "default")
    assert expected == await world.state(1)
    copies = [taken for taken in world.copies() if b"List-Id: " in taken.raw]
    assert ([MEMBERS] if moderation in passes else []) == [copy.recipients for copy in copies]
    assert world.dovecot.holds(world.mailbox) == []


@every_way
async def test_a_held_post_reaches_members_once_it_is_distributed(world: World) -> None:
    """The copy has the list's fields, and the author's body byte for byte."""
    await populated(world, moderation="all")
    body = b"Vos paniers :\r\n.points\r\n..\r\n\xe9t\xe9 sans fin de ligne\r\n"
    await world.deliver(mail(author="Paul Durand <paul@example.net>", to=world.address, body=body))
    assert [row["id"] for row in await world.rows("/pending")] == [1]

    await world.do("/distribute 1")
    await world.pass_()

    [copy] = world.copies()
    header, _, sent = copy.raw.partition(b"\r\n\r\n")
    assert body == sent
    assert copy.mail_from == world.address
    assert f'From: "Paul Durand via {world.name}" <{world.address}>'.encode() in header
    assert f"Subject: [{world.name}] Carottes".encode() in header
    [row] = await world.rows("/show 1")
    assert row["deliveries"] == {"delivered": 2, "deferred": 0, "bounced": 0, "dropped": 0, "due": 0}
    assert row["state"] == "distributed"


@every_way
async def test_a_rejected_author_is_told_why(world: World) -> None:
    await populated(world, moderation="all", undo_s="30")
    await world.deliver(mail(author="paul@example.net", to=world.address))

    await world.do('/reject 1 "ce n\'est pas la bonne liste"')
    await world.pass_()
    assert world.copies() == []
    await world.later(seconds=30)

    [notice] = world.copies()
    assert notice.recipients == ("paul@example.net",)
    assert b"Auto-Submitted: auto-replied" in notice.raw
    assert b"la bonne liste" in notice.raw
    assert await world.state(1) == ("rejected", "default")
