"""A moderator's word: the first one counts, and it can be taken back until the first mail has left."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.chat import Utterance
from bot.core.people import Actor
from tests.support.patience import WAIT_S
from tests.support.smtp_server import HANG
from tests.support.world import ANNE, BRUNO, CONSOLE, World, mail, parsed

MEMBER = "member@example.org"
AUTHOR = "paul@example.net"


async def held(world: World, *mails: bytes, undo_s: str = "30") -> None:
    """One held post, or as many as given, on a list with a member and an undo window."""
    await world.add_list(moderation="all", undo_s=undo_s)
    await world.members(MEMBER)
    await world.deliver(*(mails or [mail(author=AUTHOR, to=world.address)]))


@pytest.mark.parametrize("command", ["/distribute 1", "/reject 1 non", "/discard 1"])
async def test_undo_takes_a_decision_back_before_anything_has_left(world: World, command: str) -> None:
    await held(world)
    await world.do(command)
    await world.later(seconds=29)

    said = await world.said("/undo 1")
    await world.later(hours=1)

    assert "#1 waits for a decision again" in said
    assert world.copies() == []
    assert await world.rows("/queue") == []
    assert await world.state(1) == ("held", "default")
    assert [row["id"] for row in await world.rows("/pending")] == [1]
    assert await world.rows("/archives") == []


@pytest.mark.parametrize(("command", "recipient"), [("/distribute 1", MEMBER), ("/reject 1", AUTHOR)])
async def test_undo_is_too_late_once_a_mail_has_left(world: World, command: str, recipient: str) -> None:
    await held(world)
    await world.do(command)
    await world.later(seconds=30)

    assert "Too late" in await world.refused("/undo 1")
    assert world.sent_to() == [recipient]


async def test_undo_is_too_late_once_a_first_attempt_is_stored(world: World) -> None:
    """Also when the relay did not take it: it may have got further than its answer tells."""
    await held(world)
    world.relay.replies["MAIL"] = "451 later"
    await world.do("/distribute 1")
    await world.later(seconds=30)

    assert "Too late" in await world.refused("/undo 1")


async def test_undo_is_too_late_while_the_first_mail_is_on_its_way(world: World) -> None:
    await held(world, undo_s="0")
    world.relay.replies["DATA"] = HANG
    await world.do("/distribute 1")
    sending = asyncio.create_task(world.pass_())
    await asyncio.wait_for(world.relay.hanging.wait(), WAIT_S)

    assert "Too late" in await world.refused("/undo 1")

    world.relay.released.set()
    await sending
    assert world.sent_to() == [MEMBER]


async def test_undo_is_not_bound_to_the_window_while_nothing_has_left(world: World) -> None:
    await held(world)
    await world.do(f"/pause {world.name}")
    await world.do("/distribute 1")
    await world.later(hours=1)

    await world.do("/undo 1")

    assert (await world.state(1))[0] == "held"


async def test_a_silent_rejection_is_brought_back_at_any_time(world: World) -> None:
    await held(world)
    await world.do("/discard 1")
    await world.later(days=3)

    await world.do("/undo 1", BRUNO)
    await world.do("/distribute 1")
    await world.later(seconds=30)

    assert world.sent_to() == [MEMBER]


async def test_what_a_rule_set_aside_is_brought_back_too(world: World) -> None:
    """A rule errs as people do."""
    await held(world, mail(author=AUTHOR, to=world.address, Auto_Submitted="auto-replied"))
    assert await world.state(1) == ("discarded", "auto-reply")
    assert "/undo brings it back" in await world.refused("/distribute 1")

    await world.do("/undo 1")
    await world.do("/distribute 1")
    await world.later(seconds=30)

    assert world.sent_to() == [MEMBER]


async def test_what_was_distributed_to_nobody_is_taken_back(world: World) -> None:
    """Whoever notices on the card that the list has no members yet can add them and decide again."""
    await world.add_list(moderation="all")
    await world.deliver(mail(to=world.address))
    await world.distribute(1)
    assert "Nobody is there to get it" in await world.said("/show 1")

    await world.do("/undo 1")
    await world.members(MEMBER)
    await world.distribute(1)

    assert world.sent_to() == [MEMBER]


async def test_a_post_that_passed_by_itself_can_be_stopped_but_not_undone(world: World) -> None:
    await world.add_list(moderation="open")
    await world.do(f"/pause {world.name}")
    await world.members(MEMBER)
    await world.do(f"/resume {world.name}")
    world.relay.replies[MEMBER] = "450 later"
    await world.deliver(mail(to=world.address))

    assert "/stop" in await world.refused("/undo 1")
    await world.do("/stop 1")
    world.relay.replies.clear()
    await world.later(hours=1)

    assert world.copies() == []


async def test_of_two_decisions_at_once_one_wins(world: World) -> None:
    """The other is told who was first, and when; and nothing of it happens."""
    await held(world, undo_s="0")

    answers = await asyncio.gather(
        world.app.dispatcher.run_line("/distribute 1", ANNE),
        world.app.dispatcher.run_line("/reject 1 non", BRUNO),
    )
    await world.pass_()

    [lost] = [answer.text for answer in answers if not answer.ok]
    state, _ = await world.state(1)
    if state == "distributed":
        assert "already distributed by Anne at 10:00" in lost
        assert world.sent_to() == [MEMBER]
    else:
        assert "already rejected by Bruno at 10:00" in lost
        assert world.sent_to() == [AUTHOR]


async def test_ten_taps_at_once_are_one_decision(world: World) -> None:
    await held(world, undo_s="0")

    answers = await asyncio.gather(*(world.press("distribute:1:0") for _ in range(10)))
    await world.pass_()

    assert sum("already distributed by Anne" in answer.text for answer in answers) == 9
    assert world.sent_to() == [MEMBER]


async def test_a_button_of_an_earlier_decision_is_refused(world: World) -> None:
    """A card that was not refreshed, or a press that was kept: the newest card counts.

    In Amapress decisions were plain links, good for ever.
    """
    await held(world)
    assert "going to be distributed" in (await world.press("distribute:1:0")).text
    assert "waits for a decision again" in (await world.press("undo:1:1")).text

    assert "the newest card counts" in (await world.press("distribute:1:0", BRUNO)).text
    assert "the newest card counts" in (await world.press("undo:1:1", BRUNO)).text

    await world.later(hours=1)
    assert world.copies() == []
    assert (await world.state(1))[0] == "held"


async def test_the_buttons_of_a_card_do_what_they_say(world: World) -> None:
    """Those that /show draws, in the order in which a moderator would tap them."""
    await held(world)

    async def keys() -> list[str]:
        answer = await world.app.dispatcher.said(Utterance(ANNE, CONSOLE, "/show 1"))
        assert answer
        [screen] = answer.screens
        return [button.data for row in screen.buttons for button in row]

    assert await keys() == ["distribute:1:0", "reject:1:0", "discard:1:0", "read:1:0", "more:1:0"]
    await world.press("discard:1:0")
    assert await keys() == ["undo:1:1"]
    await world.press("undo:1:1")
    await world.press("distribute:1:2")
    assert await keys() == ["undo:1:3"]
    world.relay.replies[MEMBER] = "450 later"
    await world.later(seconds=30)
    assert await keys() == ["stop:1:3"]
    assert "1 copy does not leave" in (await world.press("stop:1:3")).text
    assert await keys() == []


async def test_people_without_a_role_decide_nothing(world: World) -> None:
    await held(world)
    stranger = Actor("telegram:666", "Mallory")

    assert "an administrator can let you in" in await world.refused("/distribute 1", stranger)
    assert "an administrator can let you in" in (await world.press("distribute:1:0", stranger)).text

    assert (await world.state(1))[0] == "held"


async def test_the_author_reads_why_in_the_language_of_the_list(world: World) -> None:
    await world.add_list(moderation="all", language="fr", description="Les adhérents")
    await world.deliver(
        mail(author="Paul <paul@example.net>", to=world.address, subject="=?utf-8?q?=C3=89t=C3=A9?=")
    )

    await world.do("/reject 1 C'est l'été, voyons.", BRUNO)
    await world.pass_()

    [notice] = map(parsed, world.copies())
    assert notice["Subject"] == "Votre message n'a pas été distribué : Été"
    text = notice.get_body(("plain",))
    assert text
    assert "n'a pas été accepté par les modérateurs" in text.get_content()
    assert "La raison\N{NO-BREAK SPACE}: C'est l'été, voyons." in text.get_content()
    assert notice["In-Reply-To"]


@pytest.mark.parametrize("fields", [{"Precedence": "bulk"}, {"Auto_Submitted": "auto-generated"}])
async def test_a_program_is_not_answered(world: World, fields: dict[str, str]) -> None:
    await held(world, mail(to=world.address, body=b"Bonjour\r\n", **fields))
    await world.do("/reject 1")
    await world.later(hours=1)
    assert world.copies() == []


async def test_the_archive_names_who_decided_and_hands_out_what_was_rejected(world: World) -> None:
    """In Amapress the moderator's name never showed, nor the .eml of rejected mails."""
    await world.add_list(moderation="all", notify_rejected="no")
    raw = mail(author="paul@example.net")
    await world.deliver(raw)
    await world.do("/reject 1", BRUNO)
    [row] = await world.rows("/archives")
    assert (row["state"], row["decided_by"]) == ("rejected", "Bruno")
    [file] = (await world.do("/eml 1"))["files"]
    assert file.content == raw


async def test_what_nobody_decides_expires(world: World) -> None:
    """Only where the list wants it, only what is still held, and the author is not told."""
    await world.add_list(moderation="all", expire_days="7")
    await world.members(MEMBER)
    await world.deliver(mail(to=world.address), mail(to=world.address))
    await world.later(days=6)
    await world.do("/discard 2")

    await world.later(days=2)

    assert [(await world.state(number))[0] for number in (1, 2)] == ["expired", "discarded"]
    assert world.copies() == []
    assert "nobody decided in time" in await world.refused("/distribute 1")
