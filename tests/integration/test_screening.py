"""The table of rules on real mail: what each kind of mail becomes, and that nothing goes without a trace."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World, mail

MEMBER = "anne@example.org"
MODERATOR = "mona@example.org"

DELIVERY_REPORT = (
    b"From: MAILER-DAEMON@example.net\r\nTo: list@example.test\r\nSubject: Undelivered Mail\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; example.net\r\n\r\nFinal-Recipient: rfc822; x@example.net\r\nAction: failed\r\n"
    b"--b--\r\n"
)


async def judged(world: World, *mails: bytes, **settings: str) -> tuple[str, str]:
    """What becomes of the last of these mails, on a list with a member and a moderator."""
    await world.add_list(**settings)
    await world.members(MEMBER)
    await world.do(f"/addmoderator {world.name} {MODERATOR}")
    await world.deliver(*mails)
    return await world.state(len(mails))


async def said_of(world: World, post_id: int = 1) -> str:
    """The sentence that a moderator reads about why."""
    return await world.said(f"/show {post_id}")


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"List_Id": "Us <{name}.example.test>"}, "loop"),
        ({"List_Post": "<mailto:{address}>"}, "loop"),
        ({"X_Loop": "{address}"}, "loop"),
        ({"Auto_Submitted": "auto-replied (vacation)"}, "auto-reply"),
        ({"X_Autoreply": "yes"}, "auto-reply"),
        ({"Precedence": "auto_reply"}, "auto-reply"),
        ({"Return_Path": "<>", "subject": "Absence : je suis en vacances"}, "auto-reply"),
        ({"Return_Path": "<>"}, "bounce"),
        ({"author": "Mail Delivery System <Mailer-Daemon@example.net>"}, "bounce"),
    ],
)
async def test_what_is_no_post_is_set_aside_whoever_wrote_it(
    world: World, fields: dict[str, Any], rule: str
) -> None:
    """It stays in the archive with its reason, and no copy leaves."""
    given = {name: value.format(name=world.name, address=world.address) for name, value in fields.items()}

    assert await judged(world, mail(**({"author": MODERATOR} | given))) == ("discarded", rule)

    [row] = await world.rows("/archives")
    assert (row["state"], row["rule"], row["decided_by"]) == ("discarded", rule, None)
    assert f"not distributed: {row['reason']}" in await world.said("/archives")
    assert "example." in await said_of(world)  # the author's address
    assert world.copies() == []


async def test_a_delivery_report_is_no_post(world: World) -> None:
    assert await judged(world, DELIVERY_REPORT) == ("discarded", "bounce")


async def test_a_mail_that_travels_in_circles_is_looked_at(world: World) -> None:
    hops = b"".join(b"Received: from a by b; Tue, 10 Mar 2026 09:00:00 +0100\r\n" for _ in range(31))
    assert await judged(world, hops + mail(author=MODERATOR)) == ("held", "loop")
    assert "more than 30 servers" in await said_of(world)


async def test_the_same_mail_twice_is_one_post(world: World) -> None:
    """In the mailbox twice, under two cursors: an alias and the list in To, a server's repetition."""
    twice = mail(author=MEMBER)
    assert await judged(world, twice, twice) == ("discarded", "duplicate")
    assert await world.state(1) == ("distributed", "member")
    assert len(world.copies()) == 1


async def test_a_mail_without_an_author_waits(world: World) -> None:
    assert await judged(world, b"Subject: qui ?\r\n\r\nBonjour\r\n") == ("held", "no-author")
    assert "an author who cannot be read" in await said_of(world)


@pytest.mark.parametrize("pattern", ["spam@example.net", "*@example.net", "/^sp.m@/"])
@pytest.mark.parametrize("where", ["{name}", "all"])
async def test_a_banned_author_is_not_heard(world: World, pattern: str, where: str) -> None:
    await world.add_list(moderation="open")
    await world.do(f"/ban {pattern} {where.format(name=world.name)}")

    await world.deliver(mail(author="SPAM@Example.net"), mail(author="ham@example.com"))

    assert await world.state(1) == ("discarded", "banned")
    assert pattern in await said_of(world)
    assert await world.state(2) == ("distributed", "open")


@pytest.mark.parametrize("crafted", ['"Eve" </example.org$|x@x/>', "*@example.org"])
async def test_banning_an_author_silences_nobody_else(world: World, crafted: str) -> None:
    """Whoever writes chooses their address, and may write a pattern there."""
    assert await judged(world, mail(author=crafted)) == ("held", "default")

    await world.press("ban:1:0")
    await world.deliver(mail(author=MEMBER))

    assert await world.state(2) == ("distributed", "member")


@pytest.mark.parametrize(
    ("author", "moderation", "expected"),
    [
        ("stranger@example.net", "non_members", ("discarded", "unknown")),
        ("stranger@example.net", "all", ("discarded", "unknown")),
        ("stranger@example.net", "open", ("distributed", "open")),
        (MEMBER, "all", ("held", "default")),
    ],
)
async def test_strangers_may_be_discarded(
    world: World, author: str, moderation: str, expected: tuple[str, str]
) -> None:
    given = {"unknown_senders": "discard", "moderation": moderation}
    assert await judged(world, mail(author=author), **given) == expected


async def test_a_paused_list_holds_even_a_moderators_post(world: World) -> None:
    await world.add_list()
    await world.do(f"/addmoderator {world.name} {MODERATOR}")
    await world.do(f"/pause {world.name}")

    await world.deliver(mail(author=MODERATOR))

    assert await world.state(1) == ("held", "paused")


@pytest.mark.parametrize("fields", [{"X_Spam_Flag": "YES"}, {"X_Spam_Status": "Yes, score=9.1 required=5.0"}])
async def test_what_the_provider_takes_for_spam_is_looked_at(world: World, fields: dict[str, Any]) -> None:
    assert await judged(world, mail(author=MODERATOR, **fields)) == ("held", "spam")
    assert "⚠️" in await said_of(world)


async def test_a_post_from_a_junk_folder_is_looked_at(world: World) -> None:
    with world.dovecot.client(world.mailbox) as client:
        client.create("Junk")
    await world.add_list(folder="INBOX,Junk")
    await world.members(MEMBER)
    await world.put(mail(author=MEMBER), folder="Junk")

    await world.deliver(mail(author=MEMBER))

    assert sorted([await world.state(1), await world.state(2)]) == [
        ("distributed", "member"),
        ("held", "spam"),
    ]
    assert world.dovecot.holds(world.mailbox, "Junk") == []


async def test_a_post_that_is_too_big_is_looked_at(world: World) -> None:
    big = mail(author=MODERATOR, body=b"x" * 70 + b"\r\n" + b"y" * 21_000 + b"\r\n")
    assert await judged(world, big, max_size="20kB") == ("held", "too-big")
    assert "the list's limit is 20 kB" in await said_of(world)


@pytest.mark.parametrize(
    ("author", "expected"),
    [(MEMBER, ("held", "automatic")), (MODERATOR, ("distributed", "moderator"))],
)
async def test_what_a_program_writes_passes_only_with_a_role(
    world: World, author: str, expected: tuple[str, str]
) -> None:
    assert await judged(world, mail(author=author, Auto_Submitted="auto-generated")) == expected


async def test_mail_from_before_the_list_is_never_sent_by_itself(world: World) -> None:
    """Whoever adds a list to a mailbox full of old mail must not send it all to everybody."""
    await world.put(mail(author=MODERATOR))

    assert await judged(world, mail(author=MODERATOR)) == ("held", "first-poll")

    await world.deliver(mail(author=MODERATOR))
    assert await world.state(2) == ("distributed", "moderator")


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        (f"{MEMBER}, stranger@example.net", ("held", "default")),
        (f"{MEMBER}, bea@example.org", ("distributed", "member")),
    ],
)
async def test_several_authors_must_all_pass(world: World, authors: str, expected: tuple[str, str]) -> None:
    await world.add_list()
    await world.members(MEMBER, "bea@example.org")

    await world.deliver(mail(author=authors, Sender=MEMBER))

    assert await world.state(1) == expected


async def test_an_address_is_recognised_however_it_is_written(world: World) -> None:
    await world.add_list()
    await world.members("renée@exämple.org")
    await world.deliver(mail(author='"R" <RENÉE@EXÄMPLE.ORG>'))
    assert await world.state(1) == ("distributed", "member")
