"""Reminders, from the hour of the day to the words in a room and in the owners' mail."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from bot.core.chat import Place
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.office import buttons_of, text_of
from tests.support.smtp_server import SmtpServer
from tests.support.wall import Wall
from tests.support.world import ANNE, World, mail, opened_world, parsed

ROOM, OFFICE = Place("test", "-1", title="Légumes"), Place("test", "-9", title="Bureau")
BUSY = "450 4.2.1 mailbox busy"


@pytest.fixture
def wall() -> Wall:
    return Wall()


async def bound(world: World, **settings: str) -> None:
    """The list, its room and that of the administrators."""
    await world.add_list(moderation="all", **settings)
    await world.do(f"/addowner {world.name} Olga <olga@example.org>")
    [mlist] = await world.app.stores.lists.all()
    await world.app.stores.rooms.bind(ROOM, mlist.id, world.clock.now())
    await world.app.stores.rooms.bind(OFFICE, None, world.clock.now())


async def at(world: World, hour: int, *, days: int = 0) -> None:
    """A pass at this hour of the day in Paris, so many days later."""
    now = world.clock.now().astimezone(world.app.settings.zone)
    then = datetime.combine(now.date() + timedelta(days=days), time(hour), world.app.settings.zone)
    world.clock.advance(then - now)
    assert await world.app.one_pass() == {}


def reminders(wall: Wall, place: Place = ROOM) -> list[str]:
    found = [
        text_of(screen).strip()
        for screen, where in zip(wall.screens, wall.places, strict=True)
        if where == place.address
    ]
    return [text for text in found if "⏰" in text or "✅ Nothing" in text or "✅ All" in text]


async def test_a_room_is_reminded_until_its_posts_are_decided(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock, wall: Wall
) -> None:
    async with opened_world(tmp_path, dovecot, smtp_server, clock, chats=[wall]) as world:
        await bound(world)
        await world.put(mail(to=world.address), mail(to=world.address))
        await world.app.one_pass()
        await at(world, 18)
        assert reminders(wall) == []  # held for eight hours
        await at(world, 9, days=1)
        [said] = reminders(wall)
        assert f"{world.address}: 2 posts, the oldest since 10 Mar, 10:00" in said
        assert "/pending" in buttons_of(wall.screens[-1])

        ids = [row["id"] for row in await world.rows("/pending")]
        await world.do(f"/discard {ids[0]}")
        await world.app.one_pass()
        [said] = reminders(wall)
        assert "1 post, since" in said
        await world.do(f"/discard {ids[1]}")
        await world.app.one_pass()
        assert reminders(wall) == ["✅ Nothing old waits here any more. Thank you!"]
        assert reminders(wall, OFFICE) == []


async def test_owners_get_one_mail_after_three_reminders(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock, wall: Wall
) -> None:
    async with opened_world(tmp_path, dovecot, smtp_server, clock, chats=[wall]) as world:
        await bound(world, description="Les légumes")
        await world.put(mail(to=world.address, subject="Panier"), mail(to=world.address))
        await world.app.one_pass()
        for days, hour in ((1, 9), (0, 18)):
            await at(world, hour, days=days)
        assert smtp_server.taken == []
        await at(world, 9, days=1)
        [taken] = smtp_server.taken
        assert taken.recipients == ("olga@example.org",)
        notice = parsed(taken)
        assert notice["Subject"] == "2 messages wait for the moderators of Les légumes"
        assert notice["Auto-Submitted"] == "auto-generated"
        part = notice.get_body(("plain",))
        assert part
        assert "Panier, by Paul" in part.get_content()
        await at(world, 18)
        await at(world, 9, days=1)
        assert len(smtp_server.taken) == len(reminders(wall)) == 1


async def test_owners_are_written_to_in_the_language_of_the_list(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> None:
    async with opened_world(tmp_path, dovecot, smtp_server, clock) as world:
        await bound(world, language="fr")
        await world.put(mail(to=world.address))
        await world.app.one_pass()
        for day in range(3):
            await at(world, 9, days=1)
            assert day == 2 or smtp_server.taken == []
        [taken] = smtp_server.taken
        assert parsed(taken)["Subject"] == f"1 message attend les modérateurs de {world.name}"


async def test_what_was_missed_while_nothing_ran_is_told_once(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock, wall: Wall
) -> None:
    async with opened_world(tmp_path, dovecot, smtp_server, clock, chats=[wall]) as world:
        await bound(world)
        await world.put(mail(to=world.address))
        await world.app.one_pass()
    clock.advance(timedelta(days=5))
    for _ in range(2):
        async with opened_world(tmp_path, dovecot, smtp_server, clock, chats=[wall]) as world:
            await world.app.one_pass()
            assert await world.app.stores.reminders.unheard(2) == []
            assert len(reminders(wall)) == 1


async def test_administrators_are_reminded_of_mail_that_does_not_leave(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock, wall: Wall
) -> None:
    async with opened_world(tmp_path, dovecot, smtp_server, clock, chats=[wall]) as world:
        await bound(world)
        await world.members("jean@example.org", "lea@example.org")
        await world.put(mail(to=world.address))
        await world.app.one_pass()
        smtp_server.replies["jean@example.org"] = BUSY
        [row] = await world.rows("/pending")
        await world.do(f"/distribute {row['id']}", ANNE)
        await world.app.one_pass()
        assert reminders(wall, OFFICE) == []
        for hour, days in ((18, 0), (9, 1)):
            await at(world, hour, days=days)
            [said] = reminders(wall, OFFICE)
            assert f"{world.address}: 1 copy is tried again and again since " in said
        smtp_server.replies.clear()
        await world.do("/retry")
        for _ in range(2):
            await world.app.one_pass()
        assert reminders(wall, OFFICE) == ["✅ All mail leaves again."]
        assert reminders(wall) == []
