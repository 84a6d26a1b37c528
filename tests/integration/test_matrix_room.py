"""Moderation in a Matrix room from the mailbox to the relay, plain and encrypted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from config.settings import Matrix
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.matrix_people import ENCRYPTED, MakeMember, Member
from tests.support.smtp_server import SmtpServer
from tests.support.synapse import MatrixUser, Synapse
from tests.support.world import World, mail, opened_world

Open = Callable[..., Awaitable[World]]


@pytest.fixture
async def bot(synapse: Synapse) -> MatrixUser:
    return await synapse.add_user("facteur")


@pytest.fixture
async def anne(member: MakeMember) -> Member:
    """An administrator."""
    return await member("anne")


@pytest.fixture
async def serving(
    synapse: Synapse,
    bot: MatrixUser,
    anne: Member,
    tmp_path: Path,
    dovecot: Dovecot,
    smtp_server: SmtpServer,
    clock: ManualClock,
) -> AsyncIterator[Open]:
    """Opens the installation and starts its chat part; each call ends the one before, as a restart does."""
    section = Matrix.model_validate({"homeserver": synapse.url, "user_id": bot.id, "password": bot.password})
    admins = [f"matrix:{anne.user.id}"]
    running = AsyncExitStack()

    async def opened(*, start: bool = True) -> World:
        await running.aclose()
        world = await running.enter_async_context(
            opened_world(tmp_path / "data", dovecot, smtp_server, clock, admins=admins, matrix=section)
        )
        if start:
            world.app.start({"chat"})
        return world

    yield opened
    await running.aclose()


async def bound_room(world: World, bot: MatrixUser, anne: Member, *, encrypted: bool = False) -> str:
    """A room that moderates the world's list, which has one member and holds everything."""
    await world.add_list(moderation="all", undo_s="30")
    await world.members("jean@example.org")
    room_id = await anne.room(bot, encrypted=encrypted)
    await anne.joined(room_id, bot)
    await anne.say(room_id, f"!bind {world.name}")
    await anne.message(world.name, by=bot.id)
    return room_id


@ENCRYPTED
async def test_a_post_is_held_undone_and_distributed_by_reactions(
    serving: Open, bot: MatrixUser, anne: Member, encrypted: bool
) -> None:
    world = await serving()
    room_id = await bound_room(world, bot, anne, encrypted=encrypted)

    await world.deliver(mail(subject="Carottes"))
    card = await anne.message("Carottes", by=bot.id)
    await anne.reacted(card.event_id, bot.id, "✅", "❌", "🔇")
    await anne.react(room_id, card.event_id, "✅")
    await anne.edited(card.event_id, "Distributed by")
    await anne.reacted(card.event_id, bot.id, "↩️")
    await anne.react(room_id, card.event_id, "↩️")
    await anne.reacted(card.event_id, bot.id, "✅", "❌", "🔇")
    await anne.react(room_id, card.event_id, "❌")
    await anne.edited(card.event_id, "Rejected by")
    await anne.reacted(card.event_id, bot.id, "↩️")
    await anne.say(room_id, "!undo 1")
    await anne.reacted(card.event_id, bot.id, "✅", "❌", "🔇")
    await anne.say(room_id, "!distribute 1")
    await anne.edited(card.event_id, "Distributed by")
    await anne.reacted(card.event_id, bot.id, "↩️")
    await world.later(seconds=31)
    await anne.edited(card.event_id, "1/1 sent")
    await anne.reacted(card.event_id, bot.id)

    assert world.sent_to() == ["jean@example.org"]


@ENCRYPTED
async def test_read_hands_out_the_whole_mail_in_a_thread(
    serving: Open, bot: MatrixUser, anne: Member, encrypted: bool
) -> None:
    world = await serving()
    room_id = await bound_room(world, bot, anne, encrypted=encrypted)
    await world.deliver(mail(subject="Carottes", body=b"Bonjour, il y a des carottes.\r\n"))
    card = await anne.message("Carottes", by=bot.id)

    await anne.react(room_id, card.event_id, "👁")
    handed_out = await anne.message(".eml", by=bot.id)
    raw = await anne.file(handed_out.source["content"])

    assert b"il y a des carottes" in raw


async def test_a_decision_made_while_the_bot_was_away_counts_when_it_is_back(
    serving: Open, bot: MatrixUser, anne: Member
) -> None:
    world = await serving()
    room_id = await bound_room(world, bot, anne, encrypted=True)
    await world.deliver(mail(subject="Carottes"))
    card = await anne.message("Carottes", by=bot.id)
    await anne.reacted(card.event_id, bot.id, "✅", "❌", "🔇")
    await world.app.service.stop()
    await anne.react(room_id, card.event_id, "✅")

    await serving()

    await anne.edited(card.event_id, "Distributed by")
    assert len([each for each in anne.messages(bot.id) if each.event_id == card.event_id]) == 1


async def test_two_moderators_at_once_make_one_decision(
    serving: Open, bot: MatrixUser, anne: Member, member: MakeMember
) -> None:
    world = await serving()
    room_id = await bound_room(world, bot, anne)
    boris = await member("boris")
    await anne.client.room_invite(room_id, boris.user.id)
    await boris.client.join(room_id)
    await boris.until(lambda: room_id in boris.client.rooms)
    await world.deliver(mail(subject="Carottes"))
    card = await boris.message("Carottes", by=bot.id)

    await boris.react(room_id, card.event_id, "❌")
    await anne.react(room_id, card.event_id, "✅")

    await anne.edited(card.event_id, "Rejected by")
    await anne.message("already", by=bot.id)


async def test_more_offers_reasons_as_numbers(serving: Open, bot: MatrixUser, anne: Member) -> None:
    world = await serving()
    room_id = await bound_room(world, bot, anne)
    await world.deliver(mail(subject="Carottes"))
    card = await anne.message("Carottes", by=bot.id)

    await anne.react(room_id, card.event_id, "➕")
    more = await anne.message("More for #1", by=bot.id)
    await anne.until(lambda: "1️⃣" in anne.reactions(more.event_id, bot.id))
    await anne.react(room_id, more.event_id, "1️⃣")

    await anne.edited(card.event_id, "Rejected by")


async def test_the_chat_is_checked_with_everything_else(serving: Open, bot: MatrixUser, anne: Member) -> None:
    world = await serving()
    await bound_room(world, bot, anne)

    found = await world.app.check_chats()

    assert [(where, checked.trouble) for where, checked in found] == [("[matrix]", None)] * 2


async def test_one_pass_hears_decides_and_shows(serving: Open, bot: MatrixUser, anne: Member) -> None:
    """For hosts with nothing but cron: what was said since, then mail, then cards, reactions included."""
    world = await serving()
    room_id = await bound_room(world, bot, anne)
    mailbox = world.mailbox

    world = await serving(start=False)
    world.mailbox = mailbox
    await world.put(mail(subject="Carottes"))
    await world.app.one_pass()
    card = await anne.message("Carottes", by=bot.id)
    await serving(start=False)
    await anne.reacted(card.event_id, bot.id, "✅", "❌", "🔇")
    await anne.react(room_id, card.event_id, "❌")

    world = await serving(start=False)
    await world.app.one_pass()

    await anne.edited(card.event_id, "Rejected by")
