"""What a chat network that is away means for mail: nothing."""

from __future__ import annotations

from pathlib import Path

from bot.core.chat import Place
from bot.core.errors import TransientError
from bot.core.text import Text
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.smtp_server import SmtpServer
from tests.support.wall import Wall
from tests.support.world import mail, opened_world


async def test_a_post_is_held_once_although_nobody_can_be_told(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> None:
    """In Amapress it was held anew at every poll, and its author told each time."""
    wall = Wall()
    async with opened_world(tmp_path, dovecot, smtp_server, clock, chats=[wall]) as world:
        await world.add_list(moderation="all")
        await world.members("anne@example.org")
        [mlist] = await world.app.stores.lists.all()
        await world.app.stores.rooms.bind(Place("test", "-1", title="Room"), mlist.id, clock.now())
        wall.trouble_posting = TransientError(Text("the network is away"))
        await world.put(mail(author="anne@example.org"))
        for _ in range(3):
            await world.later(minutes=5)
            await world.app.one_pass()
        assert len(await world.rows("/pending")) == 1
        assert [taken.recipients for taken in world.copies()] == [("anne@example.org",)]
        wall.trouble_posting = None
        await world.later(minutes=15)
        await world.app.one_pass()
        assert len(wall.screens) == 1
