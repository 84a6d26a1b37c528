"""Leaving a list by mail: a question, an answer, and everybody who should know does."""

from __future__ import annotations

import re
from pathlib import Path

from bot.core.chat import Place
from bot.core.people import Role
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.office import text_of
from tests.support.smtp_server import SmtpServer, Taken
from tests.support.wall import Wall
from tests.support.world import World, mail, opened_world, parsed

ANNE = "Anne Martin <anne@example.org>"


async def a_list(world: World, **settings: str) -> None:
    """With Anne and Bruno, members by hand, and Olga, who looks after it."""
    await world.add_list(**{"description": "Les adhérents", "notify_held": "no"} | settings)
    await world.members(ANNE, "bruno@example.org")
    await world.do(f"/addowner {world.name} Olga <olga@example.org>")


def wish(author: str = ANNE, subject: str = "unsubscribe", **fields: str) -> bytes:
    return mail(author=author, subject=subject, body=b"", **fields)


def answer(question: Taken, author: str = ANNE, body: str = "Oui", **fields: str) -> bytes:
    """What a mail program makes of *Reply*."""
    asked = parsed(question)
    subject = fields.pop("subject", f"Re: {asked['Subject']}")
    own = {"In_Reply_To": str(asked["Message-ID"]), **fields}
    return mail(author=author, to=str(asked["From"]), subject=subject, body=f"{body}\r\n".encode(), **own)


async def members(world: World) -> list[str]:
    return sorted(
        address for row in await world.rows(f"/members {world.name}") for address in row["addresses"]
    )


def letters(world: World) -> list[tuple[str, str]]:
    """Recipient and subject of everything that left, without the words that nobody can guess."""
    return [
        (taken.recipients[0], re.sub(r" ?\[leave-[0-9a-f]{20}\]", "", str(parsed(taken)["Subject"])))
        for taken in world.copies()
    ]


ASKED = ("anne@example.org", "Do you want to leave the list Les adhérents?")
DONE = ("anne@example.org", "You have left the list Les adhérents")
OWNER_TOLD = ("olga@example.org", "Anne Martin <anne@example.org> has left the list Les adhérents")
KEPT = ("anne@example.org", "You are still on the list Les adhérents")


async def test_who_asks_to_leave_and_confirms_it_has_left(world: World) -> None:
    await a_list(world, moderation="open")
    await world.deliver(wish())
    assert await world.state(1) == ("discarded", "leave")
    assert letters(world) == [ASKED]
    assert "anne@example.org" in await members(world)

    await world.deliver(answer(world.copies()[0]))

    assert await world.state(2) == ("discarded", "confirm")
    assert sorted(letters(world)[1:]) == sorted([DONE, OWNER_TOLD])
    assert await members(world) == ["bruno@example.org"]
    assert await world.rows(f"/excluded {world.name}") == []
    await world.deliver(mail(author="bruno@example.org", to="x@example.org"))
    assert world.copied_to() == ["bruno@example.org"]


async def test_the_question_is_the_lists_and_in_the_thread_of_what_it_answers(world: World) -> None:
    await a_list(world, language="fr")
    await world.deliver(wish(subject="Désinscription", Message_ID="<wish@example.org>"))
    [question] = world.copies()
    asked = parsed(question)
    assert (question.mail_from, question.recipients) == (world.address, ("anne@example.org",))
    assert world.address in str(asked["From"])
    assert (asked["In-Reply-To"], asked["Auto-Submitted"]) == ("<wish@example.org>", "auto-replied")
    assert str(asked["Subject"]).startswith("Voulez-vous quitter la liste Les adhérents ? [leave-")
    body = asked.get_body(("plain",))
    assert body
    assert "Bonjour Anne Martin" in body.get_content()


async def test_rooms_and_the_trail_tell_that_somebody_left(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> None:
    wall = Wall()
    async with opened_world(tmp_path, dovecot, smtp_server, clock, chats=[wall]) as world:
        await a_list(world)
        [mlist] = await world.app.stores.lists.all()
        await world.app.stores.rooms.bind(Place("test", "-1", title="Room"), mlist.id, clock.now())
        await world.put(wish())
        await world.app.one_pass()
        assert wall.screens == []
        await world.put(answer(world.copies()[0]))
        await world.app.one_pass()
        [screen] = wall.screens
        assert "📬 Anne Martin <anne@example.org> has left the list" in text_of(screen)
        assert screen.buttons == ()
        [row] = await world.rows("/audit mail: anne")
        assert row["by"] == "Anne Martin <anne@example.org>"


async def test_whom_a_group_brings_is_excluded_and_stays_in_the_group(world: World) -> None:
    await world.add_list(notify_held="no")
    await world.do(f"/addowner {world.name} Olga <olga@example.org>")
    await world.do("/addgroup legumes")
    await world.do(f"/addmember @legumes {ANNE}")
    await world.do(f"/addmember {world.name} {ANNE}")
    await world.do(f"/addmember {world.name} @legumes")
    await world.deliver(wish())
    await world.deliver(answer(world.copies()[0]))

    [excluded] = await world.rows(f"/excluded {world.name}")
    assert excluded["addresses"] == ["anne@example.org"]
    assert len(await world.rows("/members @legumes")) == 1
    [to_olga] = [taken for taken in world.copies() if taken.recipients == ("olga@example.org",)]
    body = parsed(to_olga).get_body(("plain",))
    assert body
    assert "They are still in @legumes" in body.get_content()

    await world.do(f"/addmember {world.name} bruno@example.org")
    await world.deliver(mail(author="bruno@example.org"))
    assert world.copied_to() == ["bruno@example.org"]


async def test_every_address_of_a_person_leaves_and_the_answer_goes_where_it_came_from(world: World) -> None:
    await a_list(world)
    await world.do("/addaddress anne@example.org anne@work.example")
    await world.deliver(wish(author="anne@work.example"))
    [question] = world.copies()
    assert question.recipients == ("anne@work.example",)
    await world.deliver(answer(question, author="anne@example.org"))
    assert await members(world) == ["bruno@example.org"]
    assert DONE in letters(world)


async def test_nobody_can_be_pestered(world: World) -> None:
    """However often somebody writes in Anne's name, she is asked once a day."""
    await a_list(world)
    await world.deliver(*(wish() for _ in range(5)))
    assert letters(world) == [ASKED]
    assert await world.state(5) == ("discarded", "leave")
    await world.later(days=2)
    await world.deliver(wish())
    assert letters(world) == [ASKED, ASKED]
    await world.deliver(answer(world.copies()[0]))  # the older question is as good
    assert await members(world) == ["bruno@example.org"]


async def test_an_answer_counts_once(world: World) -> None:
    await a_list(world)
    await world.deliver(wish())
    question = world.copies()[0]
    await world.deliver(answer(question))
    await world.members(ANNE)
    await world.deliver(answer(question))
    assert "anne@example.org" in await members(world)
    assert len(letters(world)) == 3


async def test_nothing_but_a_person_who_knows_the_word_confirms(world: World) -> None:
    """A guess, absence notices marked and unmarked, a no; and in the end the word itself is too old."""
    await a_list(world)
    await world.deliver(wish())
    [question] = world.copies()
    guess = f"<facteur-leave-{'0' * 20}@example.test>"
    await world.deliver(
        answer(question, author="eve@example.net", In_Reply_To=guess, subject="Re: leave"),
        answer(question, Auto_Submitted="auto-replied"),
        answer(question, subject="Absence du bureau : Re: leave"),
        answer(question, body="Non, ce n'est pas moi !"),
    )
    await world.later(days=15)
    await world.deliver(answer(question))
    assert "anne@example.org" in await members(world)
    assert [(await world.state(number))[1] for number in range(2, 7)] == [
        "confirm",
        "auto-reply",
        "auto-reply",
        "confirm",
        "confirm",
    ]
    assert [letter for letter in letters(world) if letter[0] == "anne@example.org"] == [ASKED, KEPT, KEPT]


async def test_strangers_are_told_where_a_notice_may_go_and_forged_wishes_ask_nobody(world: World) -> None:
    await a_list(world, auth_host="mx.example.test")
    zoe = wish("Zoé <zoe@example.net>")
    genuine = b"Authentication-Results: mx.example.test; dmarc=pass header.from=example.net\r\n"
    forged = b"Authentication-Results: mx.example.test; dmarc=fail header.from=example.org\r\n"
    await world.deliver(forged + wish(), zoe)
    assert [await world.state(1), await world.state(2)] == [("held", "forged"), ("discarded", "leave")]
    assert letters(world) == []

    await world.deliver(genuine + wish("zoe@example.net"), genuine + wish("zoe@example.net"))
    await world.do(f"/set {world.name} notify_unknown=yes")
    await world.do(f"/addexcluded {world.name} {ANNE}")
    await world.deliver(wish("max@example.com"), wish())
    assert letters(world) == [
        (to, "This address gets nothing of the list Les adhérents")
        for to in ("zoe@example.net", "max@example.com", "anne@example.org")
    ]


async def test_a_token_of_one_list_is_nothing_to_another(world: World) -> None:
    await a_list(world)
    other = world.another()
    await a_list(other)
    await world.deliver(wish())
    await other.deliver(answer(world.copies()[0]))
    assert "anne@example.org" in await members(other)
    assert "anne@example.org" in await members(world)


async def test_a_crash_before_the_verdict_is_stored_asks_and_leaves_once(world: World) -> None:
    """The post is judged anew: the same question leaves, and what was done is told."""
    await a_list(world)
    [mlist] = await world.app.stores.lists.all()
    leaving = world.app.service._screening._leaving
    await world.deliver(wish())
    post = await world.app.stores.posts.get(1)
    from bot.core.header import split

    header, _ = split(await world.app.stores.posts.raw(1))
    again = await leaving.asked(post, header, mlist)
    [question] = again.mailings
    assert parsed(world.copies()[0])["Message-ID"].encode() in question.header

    await world.deliver(answer(world.copies()[0]))
    post, header = await world.app.stores.posts.get(2), split(await world.app.stores.posts.raw(2))[0]
    again = await leaving.answered(post, header, mlist)
    assert [mailing.recipients for mailing in again.mailings] == [
        ("anne@example.org",),
        ("olga@example.org",),
    ]
    assert await world.app.stores.people.holder(mlist, Role.MEMBER, post.author_address) is None
