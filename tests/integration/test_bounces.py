"""Mail that does not arrive: reports and refusals count, and in the end an address gets no more copies."""

from __future__ import annotations

import pytest

from bot.core.chat import Place, Utterance
from tests.support.office import buttons_of, text_of
from tests.support.wall import Wall
from tests.support.world import ANNE as MODERATOR
from tests.support.world import CONSOLE, World, mail
from tests.unit.flow.test_reports import FAILED, FRENCH, free_form, status

ANNE = "anne.martin@wanadoo.fr"


async def a_list(world: World, **settings: str) -> None:
    """An open one with two members, one of whom has two addresses."""
    await world.add_list(moderation="open", **settings)
    await world.members(f"Anne <{ANNE}>", "bruno@example.org")
    await world.do(f"/addaddress {ANNE} anne@work.example")


async def bounced(world: World, raw: bytes, days: int) -> None:
    """One report on each of so many days."""
    for _ in range(days):
        await world.deliver(raw + b"\r\n")
        await world.later(days=1)


async def points(world: World) -> dict[str, tuple[int, bool]]:
    """Of each address that is not reached, and whether it is suspended."""
    return {row["address"]: (row["points"], row["suspended"]) for row in await world.rows("/bounces")}


COMPLAINT = (
    "From: feedback@provider.example\r\nSubject: complaint\r\n"
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
    f"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nOriginal-Rcpt-To: <{ANNE}>\r\n--b--\r\n"
).encode()


@pytest.mark.parametrize("raw", [status(FAILED), COMPLAINT, *map(free_form, FRENCH.values())])
async def test_a_report_is_no_post_and_counts_for_its_address(world: World, raw: bytes) -> None:
    await a_list(world)
    await world.deliver(raw)
    assert await world.state(1) == ("discarded", "bounce")
    assert await points(world) == {ANNE: (1, False)}
    assert world.copies() == []


async def test_five_days_suspend_an_address_and_a_button_gives_it_another_chance(world: World) -> None:
    """The person's other address goes on. Nobody is promised a count at once (knadh/listmonk#1839)."""
    await a_list(world)
    assert "a report may take hours" in await world.said("/bounces")
    await bounced(world, status(FAILED), 5)
    assert await points(world) == {ANNE: (5, True)}
    said = await world.said("/bounces")
    assert "⏸" in said
    assert "Adresse inconnue" in said

    await world.deliver(mail(author="paul@example.net"))
    assert world.sent_to() == ["anne@work.example", "bruno@example.org"]

    answer = await world.app.dispatcher.said(Utterance(MODERATOR, CONSOLE, "/bounces"))
    assert answer
    [screen] = answer.screens
    [button] = buttons_of(screen)
    pressed = await world.press(button)
    assert "gets copies again" in text_of(pressed.screens[0])
    await world.deliver(mail(author="paul@example.net"))
    assert world.sent_to().count(ANNE) == 1
    assert await world.refused(f"/reactivate {ANNE}")


async def test_administrators_are_shown_the_reason_and_the_report(world: World) -> None:
    """Else nobody would know that somebody gets no mail any more, unless they asked."""
    await a_list(world)
    office, wall = Place("test", "-9", title="Bureau"), Wall()
    await world.app.stores.rooms.bind(office, None, world.clock.now())
    room = await world.app.stores.rooms.at(office)
    assert room
    worker = world.app.worker_in(wall, room)

    await bounced(world, status(FAILED), 1)
    await worker.step()
    [card] = wall.screens
    assert f"📭 Mail of {world.address} does not reach 1 address:" in text_of(card)
    assert f"{ANNE} · 1 point" in text_of(card)
    assert "Adresse inconnue" in text_of(card)
    read = await world.press(buttons_of(card)[0])
    [report] = [file for screen in read.screens for file in screen.files if file.name == "1.eml"]
    assert b"Final-Recipient" in report.content

    await bounced(world, status(FAILED), 4)
    await worker.step()
    suspended = wall.screens[-1]
    assert f"⏸ {ANNE}" in text_of(suspended)
    assert "gets copies again" in text_of((await world.press(buttons_of(suspended)[-1])).screens[0])
    await worker.step()
    assert "nothing comes back any more" in text_of(wall.screens[-1])
    assert len(wall.screens) == 2


async def test_several_reports_a_day_are_one_point(world: World) -> None:
    await a_list(world)
    for number in range(6):
        await world.deliver(status(FAILED) + b"%d" % number)
    assert await points(world) == {ANNE: (1, False)}


async def test_a_refusal_of_the_relay_counts_the_same(world: World) -> None:
    await a_list(world)
    world.relay.replies[ANNE] = "550 5.1.1 no such user"
    await world.deliver(mail(author="paul@example.net"))
    assert await points(world) == {ANNE: (1, False)}
    assert "no such user" in await world.said("/bounces")


async def test_what_blames_the_mail_counts_against_nobody(world: World) -> None:
    """It is told all the same: perhaps the list's host is on a blocklist, and nobody there gets its mail."""
    await a_list(world)
    spam = FAILED.replace("5.1.1", "5.7.1")
    await world.deliver(status(spam))
    assert await points(world) == {}
    assert f"{ANNE} · the mail was refused, not the address" in await world.said("/bounces")
    await world.deliver(status(FAILED))
    assert await points(world) == {ANNE: (1, False)}
    await world.later(days=1)
    await world.deliver(status(spam))
    assert await points(world) == {ANNE: (1, False)}


async def test_a_report_about_our_own_notice_counts_against_nobody(world: World) -> None:
    await a_list(world)
    await world.deliver(status(FAILED, original=f"From: {world.address}\nAuto-Submitted: auto-replied\n"))
    assert await world.state(1) == ("discarded", "bounce")
    assert await points(world) == {}


async def test_a_report_that_names_nobody_is_counted(world: World) -> None:
    await a_list(world)
    await world.deliver(free_form("Sorry.\n"), status(FAILED.replace(ANNE, "stranger@example.org")))
    assert await points(world) == {}
    assert "2 reports name nobody of the directory" in await world.said("/bounces")


async def test_a_report_without_a_daemon_is_known_by_whom_it_names(world: World) -> None:
    """Some gateways send them from an address like any other; what a member forwards is a post."""
    await a_list(world)
    report = b"From: gateway@example.net\r\nSubject: Undeliverable: [list] Carottes\r\n\r\n"
    words = f"User unknown: {ANNE}\r\n".encode()
    await world.deliver(report + words, report.replace(b"gateway@example.net", b"bruno@example.org") + words)
    assert [await world.state(1), await world.state(2)] == [("discarded", "bounce"), ("distributed", "open")]


async def test_a_late_mail_is_no_bounce_of_its_address(world: World) -> None:
    await a_list(world)
    await world.deliver(status(FAILED.replace("failed", "delayed")))
    assert await world.state(1) == ("discarded", "bounce")
    assert await points(world) == {}
