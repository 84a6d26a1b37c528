"""Who gets a copy, and what the list writes into its header, from a real mailbox to a real relay."""

from __future__ import annotations

import sqlite3
from email.message import EmailMessage

import pytest

from bot.app import database_file
from tests.support.world import World, mail, parsed


async def only_copy(world: World, raw: bytes, **settings: str) -> EmailMessage:
    """What members of an open list get of this mail."""
    await world.add_list(moderation="open", **settings)
    await world.members("anne@example.org")
    await world.deliver(raw)
    [copy] = world.copies()
    return parsed(copy)


@pytest.mark.parametrize(
    ("rewrite_from", "author", "rewritten"),
    [
        ("foreign", "paul@example.net", True),
        ("foreign", "paul@example.test", False),
        ("always", "paul@example.test", True),
        ("never", "paul@example.net", False),
    ],
)
@pytest.mark.parametrize("reply_to", ["sender", "list"])
async def test_the_author_can_always_be_answered(
    world: World, rewrite_from: str, author: str, rewritten: bool, reply_to: str
) -> None:
    """An answer goes where the list wants it, and never past an author who is no longer in From."""
    raw = mail(author=f"Paul Durand <{author}>", to=world.address)

    copy = await only_copy(world, raw, rewrite_from=rewrite_from, reply_to=reply_to)

    via = f"Paul Durand via {world.name} <{world.address}>"
    answered = {address.addr_spec for address in copy["Reply-To"].addresses}
    assert (via if rewritten else f"Paul Durand <{author}>") == str(copy["From"]).replace('"', "")
    assert (f"Paul Durand <{author}>" if rewritten else None) == copy["X-Original-From"]
    if reply_to == "sender":
        assert answered == {author}
    else:
        assert answered == ({world.address, author} if rewritten else {world.address})


async def test_the_authors_own_reply_to_is_kept(world: World) -> None:
    raw = mail(author="paul@example.net", to=world.address, Reply_To="bureau@example.net")
    copy = await only_copy(world, raw)
    assert copy["Reply-To"] == "bureau@example.net"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Carottes", "[{name}] Carottes"),
        ("Re: [{name}] Carottes", "Re: [{name}] Carottes"),
        ("=?utf-8?q?RE_=3A?= [{name}] Carottes", "RE : [{name}] Carottes"),
        ("=?utf-8?q?L=C3=A9gumes?=", "[{name}] Légumes"),
        ("", "[{name}]"),
    ],
)
async def test_the_prefix_is_there_once(world: World, subject: str, expected: str) -> None:
    copy = await only_copy(world, mail(to=world.address, subject=subject.format(name=world.name)))
    assert copy["Subject"] == expected.format(name=world.name)


async def test_an_empty_prefix_leaves_the_subject_alone(world: World) -> None:
    copy = await only_copy(world, mail(to=world.address, subject="Carottes"), prefix="")
    assert copy["Subject"] == "Carottes"


async def test_the_copy_carries_the_lists_fields_and_keeps_the_thread(world: World) -> None:
    """RFC 2369 and 2919; Amapress dropped what threads are made of (its CHANGELOG, 0.82.10)."""
    raw = mail(
        to=world.address,
        In_Reply_To="<0@example.net>",
        References="<0@example.net>",
        List_Id="<other.example.com>",
        X_Loop="other@example.com",
        Disposition_Notification_To="paul@example.net",
    )

    copy = await only_copy(world, raw, description="Les adhérents")

    assert str(copy["List-Id"]).replace('"', "") == f"Les adhérents <{world.name}.example.test>"
    assert copy["List-Post"] == f"<mailto:{world.address}>"
    assert copy["List-Unsubscribe"] == f"<mailto:{world.address}?subject=unsubscribe>"
    assert copy["Sender"] == world.address
    assert copy["Precedence"] == "list"
    assert copy.get_all("X-Loop") == ["other@example.com", world.address]
    assert copy["In-Reply-To"] == "<0@example.net>"
    assert copy["To"] == world.address
    assert copy["Disposition-Notification-To"] is None


async def test_a_copy_that_comes_back_goes_no_further(world: World) -> None:
    """A member's address forwards to the list: its own copy would go round for ever."""
    await only_copy(world, mail(to=world.address))

    await world.deliver(world.copies()[0].raw)

    assert await world.state(2) == ("discarded", "loop")
    assert len(world.copies()) == 1


async def everybody(world: World, **settings: str) -> list[str]:
    """Whom a post to anne@ and the list reaches, where every kind of person is in the list."""
    await world.add_list(moderation="open", **settings)
    await world.members("anne@example.org", "bruno@example.org", "author@example.net", "out@example.org")
    await world.members(world.address, "nobody@nomail.org")
    await world.do(f"/addmember {world.name} BRUNO@Example.ORG")
    await world.do(f"/addmoderator {world.name} mona@example.org")
    await world.do(f"/addmoderator {world.name} bruno@example.org")
    await world.do(f"/addunmoderated {world.name} ursule@example.org")
    await world.do(f"/addexcluded {world.name} out@example.org")
    await world.deliver(mail(author="author@example.net", to=f"{world.address}, Anne <Anne@example.org>"))
    return world.sent_to()


@pytest.mark.parametrize(
    ("settings", "more", "fewer"),
    [
        ({}, set(), set()),
        ({"skip_addressed": "no"}, {"anne@example.org"}, set()),
        ({"copy_to_author": "no"}, set(), {"author@example.net"}),
        ({"include_moderators": "yes"}, {"mona@example.org"}, set()),
        ({"include_unmoderated": "oui"}, {"ursule@example.org"}, set()),
    ],
)
async def test_each_member_gets_one_copy(
    world: World, settings: dict[str, str], more: set[str], fewer: set[str]
) -> None:
    """Not the excluded, not the list itself, not placeholders, not who has it from the author anyway."""
    usual = {"author@example.net", "bruno@example.org"}
    assert sorted((usual | more) - fewer) == await everybody(world, **settings)


def second_address(world: World, name: str, address: str) -> None:
    """What no command does yet."""
    with sqlite3.connect(database_file(world.app.settings)) as database:
        database.execute(
            "INSERT INTO address (person_id, address) SELECT id, ? FROM person WHERE name = ?",
            (address, name),
        )
    database.close()


async def test_every_address_of_a_person_counts_for_the_person(world: World) -> None:
    """A copy goes to each; as an author one of them speaks for all, and none gets it if none is wanted."""
    await world.add_list(moderation="non_members", copy_to_author="no")
    await world.members("Anne <anne@example.org>", "bruno@example.org")
    second_address(world, "Anne", "anne@work.example")

    await world.deliver(
        mail(author="bruno@example.org", to=world.address),
        mail(author="anne@work.example", to=world.address),
    )

    assert await world.state(2) == ("distributed", "member")
    of_bruno, of_anne = world.copies()
    assert sorted(of_bruno.recipients) == ["anne@example.org", "anne@work.example"]
    assert of_anne.recipients == ("bruno@example.org",)


async def test_the_envelope_is_the_lists(world: World) -> None:
    """Bounces come back to the list's mailbox, not to the author.

    No joined addresses, no Bcc to all: hosts refused both (CHANGELOG of Amapress, 0.93.0 and 0.99.285).
    """
    await only_copy(world, mail(to=world.address))
    assert [copy.mail_from for copy in world.copies()] == [world.address]
