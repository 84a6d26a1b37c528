"""The Bot API server of the tests, driven by python-telegram-bot: whole rounds, polling, breakdowns."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import (
    Conflict,
    Forbidden,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.ext import Application, CallbackQueryHandler, CommandHandler

from tests.support.bot_api import Answered, BotApi, Chat, Person, broken, cut, flooded, slow
from tests.support.bot_api.network import QUERY_LIFE_S
from tests.unit.support.bots import keys, made, refused


async def test_a_tap_reaches_the_bot_and_its_answer_reaches_the_person(
    bot_api: BotApi, anne: Person, room: Chat
) -> None:
    """A whole round with the library's own polling: a command, a card, a tap, an edit."""
    app = Application.builder().bot(made(bot_api)).build()

    async def lists(update: Any, _: Any) -> None:
        await update.message.reply_html("<b>Held</b> post", reply_markup=keys(("✅ Distribute", "d:1:0")))

    async def pressed(update: Any, _: Any) -> None:
        await update.callback_query.answer("Distributed")
        await update.callback_query.edit_message_text("by Anne")

    app.add_handler(CommandHandler("lists", lists))
    app.add_handler(CallbackQueryHandler(pressed))
    async with app:
        assert app.updater
        await app.updater.start_polling(timeout=2)
        await app.start()
        await anne.says(room, "/lists")
        card = await room.shows("Held post")
        assert card.rich.marked("bold") == ["Held"]
        assert card.buttons == [["✅ Distribute"]]
        assert await anne.taps(card, "Distribute") == Answered("Distributed", alert=False, url="")
        await room.becomes(card, "by Anne")
        assert (card.buttons, card.edits) == ([], 1)
        await app.updater.stop()
        await app.stop()


async def test_what_nobody_answers_fails_with_a_picture_of_the_chats(
    bot_api: BotApi, bot: Bot, anne: Person, room: Chat
) -> None:
    card = await post(bot, room)
    with pytest.raises(AssertionError, match=r"Anne pressed 'd:1:0', no answer(.|\n)*\[✅\]"):
        await anne.taps(card, "✅", within_s=0.01)
    with pytest.raises(AssertionError, match="not seen within"):
        await room.shows("nothing of the kind", within_s=0.01)


async def test_an_update_stays_until_the_next_offset_confirms_it(bot: Bot, anne: Person, room: Chat) -> None:
    await bot.get_updates(offset=-1)
    for number in range(3):
        await anne.says(room, f"/show {number}")
    seen = await bot.get_updates(limit=2)
    again = await bot.get_updates()
    assert [update.update_id for update in seen] == [update.update_id for update in again][:2]
    last = await bot.get_updates(offset=-1)
    assert [update.message.text for update in last if update.message] == ["/show 2"]
    assert not await bot.get_updates(offset=last[0].update_id + 1)


async def test_updates_are_kept_while_the_bot_is_away(bot: Bot, bot_api: BotApi, anne: Person) -> None:
    before = bot_api.url
    await bot_api.goes_offline()
    await refused(bot.get_me(), NetworkError)
    await anne.says(anne.private, "hello")
    await bot_api.comes_back()
    assert bot_api.url == before
    assert [update.message.text for update in await bot.get_updates() if update.message] == ["hello"]


async def test_a_poll_waits_for_its_update(bot: Bot, bot_api: BotApi, anne: Person) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=30))
    await bot_api.seen(lambda: bot_api.updates.polled)
    await anne.says(anne.private, "hello")
    assert [update.message.text for update in await polling if update.message] == ["hello"]


async def test_only_the_kinds_that_were_asked_for_are_queued(bot: Bot, anne: Person, room: Chat) -> None:
    [*_, last] = await bot.get_updates(allowed_updates=["message"])
    room.mute()
    await anne.says(room, "/lists")
    assert [update.message is not None for update in await bot.get_updates(offset=last.update_id + 1)] == [
        True
    ]


async def test_a_second_poller_ends_the_first(bot: Bot, bot_api: BotApi) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await bot_api.seen(lambda: bot_api.updates.polled)
    async with made(bot_api) as rival:
        await rival.get_updates(timeout=0)
    assert "terminated by other getUpdates request" in await refused(first, Conflict)


async def test_a_webhook_is_in_the_way_of_polling(bot: Bot) -> None:
    await bot.set_webhook("https://example.org/hook")
    assert (await bot.get_webhook_info()).url == "https://example.org/hook"
    assert "can't use getUpdates method while webhook is active" in await refused(bot.get_updates(), Conflict)
    await bot.delete_webhook()
    await bot.get_updates()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/botnonsense/getMe", "404 Not Found"),
        ("/bot123:AAAAAAAAAAAAAAAAAAAA/getMe", "401 Unauthorized"),
        ("/bot{token}/getNothing", "404 Not Found"),
        ("/bot{token}/GETME", "200"),
    ],
)
async def test_tokens_and_methods_are_told_apart(bot_api: BotApi, path: str, words: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(bot_api.url + path.format(token=bot_api.token))
    assert f"{answer.status_code} {answer.json().get('description', '')}".strip() == words


async def test_a_tap_is_answered_once_and_in_time(
    bot_api: BotApi, bot: Bot, anne: Person, room: Chat
) -> None:
    card = await post(bot, room)
    tap = asyncio.create_task(anne.taps(card, "✅"))
    query = await pressed(bot, bot_api)
    assert await refused(bot.answer_callback_query(query, "x" * 201)) == "Message_too_long"
    await bot.answer_callback_query(query, "done", show_alert=True)
    assert await tap == Answered("done", alert=True, url="")
    too_late = "Query is too old and response timeout expired or query id is invalid"
    assert await refused(bot.answer_callback_query(query)) == too_late
    moment = bot_api.now() + QUERY_LIFE_S + 1
    waiting = bot_api.ask()
    bot_api.now = lambda: moment
    assert await refused(bot.answer_callback_query(waiting.id)) == too_late


async def test_a_link_to_the_bot_leads_to_its_private_chat(bot: Bot, anne: Person, room: Chat) -> None:
    link = InlineKeyboardButton("Go on in private", url="https://t.me/facteur_bot?start=a-1_b")
    await bot.send_message(room.id, "Your password?", reply_markup=InlineKeyboardMarkup([[link]]))
    await anne.opens(await room.shows("password"), "in private")
    assert [message.text for message in anne.private.messages] == ["/start a-1_b"]
    await bot.send_message(anne.id, "Now tell me.")


async def test_trouble_comes_as_planned(bot_api: BotApi, bot: Bot, room: Chat, anne: Person) -> None:
    await anne.starts()
    bot_api.troubles.add("sendMessage", flooded(7), times=2, chat_id=room.id)
    for _ in range(2):
        with pytest.raises(RetryAfter) as caught:
            await bot.send_message(room.id, "hello")
        assert caught.value.retry_after == timedelta(seconds=7)
        await bot.send_message(anne.id, "hello")
    await bot.send_message(room.id, "hello")
    bot_api.troubles.add("*", broken(502))
    assert await refused(bot.send_message(room.id, "hello"), NetworkError) == "Bad Gateway"
    assert [request.status for request in bot_api.calls("sendMessage")] == [429, 200, 429, 200, 200, 502]


async def test_a_connection_breaks_before_or_after_the_effect(bot_api: BotApi, bot: Bot, room: Chat) -> None:
    bot_api.troubles.add("sendMessage", cut("before"))
    await refused(bot.send_message(room.id, "lost"), NetworkError)
    bot_api.troubles.add("sendMessage", cut("after"))
    await refused(bot.send_message(room.id, "posted all the same"), NetworkError)
    assert [message.text for message in room.from_bot] == ["posted all the same"]


async def test_a_slow_answer_times_out_and_the_message_is_posted_all_the_same(
    bot_api: BotApi, bot: Bot, room: Chat
) -> None:
    trouble = bot_api.troubles.add("sendMessage", slow("after"))
    await refused(bot.send_message(room.id, "slow", read_timeout=0.05), TimedOut)
    assert (await room.shows("slow")).edits == 0
    trouble.released.set()


async def test_a_burst_runs_into_the_flood_limits(
    bot_api: BotApi, bot: Bot, room: Chat, anne: Person
) -> None:
    await anne.starts()
    moment = bot_api.now()
    bot_api.now = lambda: moment
    for number in range(20):
        await bot.send_message(room.id, str(number))
    words = await refused(bot.send_message(room.id, "20"), RetryAfter)
    assert words == "Flood control exceeded. Retry in 0:01:00"
    for number in range(10):
        await bot.send_message(anne.id, str(number))
    await refused(bot.send_message(anne.id, "10"), RetryAfter)
    moment += 60
    await bot.send_message(room.id, "20")
    await bot.send_message(anne.id, "10")


async def test_who_cannot_be_reached_is_told_in_telegrams_words(
    bot_api: BotApi, bot: Bot, anne: Person, room: Chat
) -> None:
    bruno = bot_api.person("Bruno")
    assert await refused(bot.send_message(bruno.id, "x")) == "Chat not found"
    initiate = "Forbidden: bot can't initiate conversation with a user"
    assert await refused(bot.send_message(anne.id, "x"), Forbidden) == initiate
    await anne.starts("token")
    await bot.send_message(anne.id, "x")
    await anne.blocks()
    blocked = "Forbidden: bot was blocked by the user"
    assert await refused(bot.send_message(anne.id, "x"), Forbidden) == blocked
    room.mute()
    muted = "Not enough rights to send text messages to the chat"
    assert await refused(bot.send_message(room.id, "x")) == muted
    room.kick(anne)
    kicked = "Forbidden: bot was kicked from the supergroup chat"
    assert await refused(bot.send_message(room.id, "x"), Forbidden) == kicked
    changes = [update.my_chat_member for update in await bot.get_updates() if update.my_chat_member]
    statuses = [change.new_chat_member.status for change in changes]
    assert statuses == ["member", "kicked", "restricted", "kicked"]


async def post(bot: Bot, room: Chat) -> Any:
    """A card with one button."""
    posted = await bot.send_message(room.id, "card", reply_markup=keys(("✅", "d:1:0")))
    return room.every_message[posted.message_id]


async def pressed(bot: Bot, api: BotApi) -> str:
    """The id of the tap that waits."""
    await api.seen(lambda: [update for update in api.updates.waiting if "callback_query" in update])
    query = (await bot.get_updates())[-1].callback_query
    assert query
    return query.id
