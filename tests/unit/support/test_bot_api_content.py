"""What the Bot API server of the tests takes for text, buttons, files, menus; and who is told what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import ChatMigrated

from tests.support.bot_api import BotApi, Chat, Person, menu
from tests.support.bot_api.html import decode_reference
from tests.support.bot_api.texts import message_text
from tests.unit.support.bots import PNG, keys, refused

Attempt = Callable[[Bot, int], Awaitable[Any]]


def html(source: str) -> Attempt:
    return lambda bot, chat: bot.send_message(chat, source, parse_mode="HTML")


def button(**fields: Any) -> Attempt:
    markup = InlineKeyboardMarkup([[InlineKeyboardButton(**fields)]])
    return lambda bot, chat: bot.send_message(chat, "x", reply_markup=markup)


def text(source: str, **more: Any) -> Attempt:
    return lambda bot, chat: bot.send_message(chat, source, **more)


def commands(*given: tuple[str, str], **more: Any) -> Attempt:
    return lambda bot, _: bot.set_my_commands([BotCommand(*pair) for pair in given], **more)


ENTITIES = "Can't parse entities: "
REFUSED: dict[str, tuple[Attempt, str]] = {
    "an address in brackets": (
        html("é <a@b.fr>"),
        ENTITIES + 'unsupported start tag "a@b.fr" at byte offset 3',
    ),
    "an unknown tag": (html("<p>x</p>"), ENTITIES + 'unsupported start tag "p" at byte offset 0'),
    "an open tag": (html("<b>x"), ENTITIES + 'can\'t find end tag corresponding to start tag "b"'),
    "half a tag": (html("x <b"), ENTITIES + "unclosed start tag at byte offset 2"),
    "half an end tag": (html("<b>x</b"), ENTITIES + "unclosed end tag at byte offset 4"),
    "an end without start": (html("x</b>"), ENTITIES + "unexpected end tag at byte offset 1"),
    "crossed tags": (
        html("<b><i>x</b></i>"),
        ENTITIES + 'unmatched end tag at byte offset 7, expected "</i>"',
    ),
    "a plain span": (html("<span>x</span>"), ENTITIES + 'tag "span" must have class "tg-spoiler"'),
    "an attribute without name": (html('<a ="x">y</a>'), ENTITIES + "empty attribute name in the tag"),
    "an attribute cut short": (html("<a href='x"), ENTITIES + "unclosed start tag at byte offset 0"),
    "a value with a slash": (html("<a href=x/y>z</a>"), ENTITIES + "unexpected end of name token"),
    "half a surrogate pair": (html("&#xd800;"), ENTITIES + "text contains invalid Unicode characters"),
    "another parse mode": (text("x", parse_mode="wiki"), "Unsupported parse_mode"),
    "no text": (text(""), "Message text is empty"),
    "blank text": (text(" \n\u200b"), "Text must be non-empty"),
    "only tags": (html("<b></b>"), "Text must be non-empty"),
    "4097 characters": (text("x" * 4097), "Message is too long"),
    "4096 characters, one of two units": (text("x" * 4095 + "😀"), "Message is too long"),
    "32 kB of markup": (html("&amp;" * 7000), "Text is too long"),
    "65 bytes of data": (button(text="x", callback_data="é" * 33), "Button_data_invalid"),
    "a button without text": (button(text=" ", callback_data="x"), "Can't parse inline keyboard button"),
    "a button without action": (button(text="x"), "Text buttons are unallowed"),
    "a button to nowhere": (
        button(text="x", url="nowhere"),
        "Inline keyboard button url 'nowhere' is invalid",
    ),
    "a button with empty data": (button(text="x", callback_data=""), "Text buttons are unallowed"),
    "a button to ftp": (
        button(text="x", url="ftp://x.fr"),
        "'ftp://x.fr' is invalid: unsupported url protocol",
    ),
    "a custom emoji of no number": (html('<tg-emoji emoji-id="x">y</tg-emoji>'), "Invalid custom emoji"),
    "an entity past the end": (
        text("x", entities=[MessageEntity("bold", 1, 1)]),
        "Entity begins after the end of the text at utf-16 offset 1",
    ),
    "an entity over the end": (
        text("x", entities=[MessageEntity("bold", 0, 2)]),
        "Entity beginning at utf-16 offset 0 ends after the end of the text at utf-16 offset 2",
    ),
    "an entity of no kind": (text("x", entities=[MessageEntity("loud", 0, 1)]), "Unsupported type specified"),
    "a button in pink": (button(text="x", callback_data="x", style="pink"), "invalid button style"),
    "101 buttons": (
        text(
            "x", reply_markup=InlineKeyboardMarkup([keys(("x", "x")).inline_keyboard[0] for _ in range(101)])
        ),
        "Reply markup is too long",
    ),
    "a reply to nothing": (
        text("x", reply_parameters=ReplyParameters(77)),
        "Message to be replied not found",
    ),
    "no such topic": (text("x", message_thread_id=77), "Message thread not found"),
    "an edit of nothing": (
        lambda bot, chat: bot.edit_message_text("x", chat, 77),
        "Message to edit not found",
    ),
    "an edit of another's": (
        lambda bot, chat: bot.edit_message_text("x", chat, 1),
        "Message can't be edited",
    ),
    "the end of nothing": (lambda bot, chat: bot.delete_message(chat, 77), "Message to delete not found"),
    "the end of another's": (lambda bot, chat: bot.delete_message(chat, 1), "Message can't be deleted"),
    "no such chat": (lambda bot, _: bot.send_message(-4711, "x"), "Chat not found"),
    "no picture": (lambda bot, chat: bot.send_photo(chat, b"%PDF"), "Image_process_failed"),
    "a thin picture": (
        lambda bot, chat: bot.send_photo(chat, PNG[:16] + b"\0\0\0\1\0\0\1\0" + PNG[24:]),
        "Photo_invalid_dimensions",
    ),
    "an empty file": (lambda bot, chat: bot.send_document(chat, b""), "File must be non-empty"),
    "an unknown file": (lambda bot, chat: bot.send_document(chat, "abc"), "Wrong file identifier/http url"),
    "a long caption": (
        lambda bot, chat: bot.send_document(chat, b"x", caption="x" * 1025),
        "Message caption is too long",
    ),
    "an album of one": (
        lambda bot, chat: bot.send_media_group(chat, [InputMediaPhoto(PNG)]),
        "Wrong number of messages to send as an album",
    ),
    "a mixed album": (
        lambda bot, chat: bot.send_media_group(chat, [InputMediaPhoto(PNG), InputMediaDocument(b"x")]),
        "Document can't be mixed with other media types",
    ),
    "a command in capitals": (commands(("Lists", "x")), "Bot_command_invalid"),
    "a command that tells nothing": (commands(("lists", "")), "Bot_command_description_invalid"),
    "101 commands": (commands(*[(f"c{n}", "x") for n in range(101)]), "Bot_commands_too_much"),
    "a language of three letters": (commands(language_code="fra"), "Invalid language code specified"),
    "a topic where there are none": (
        lambda bot, chat: bot.create_forum_topic(chat, "x"),
        "The chat is not a forum",
    ),
    "an unknown action": (lambda bot, chat: bot.send_chat_action(chat, "sing"), "Wrong parameter action"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_the_real_server_refuses_is_refused(bot: Bot, room: Chat, case: str) -> None:
    attempt, words = REFUSED[case]
    before = len(room.messages)
    assert words.lower() in (await refused(attempt(bot, room.id))).lower()
    assert len(room.messages) == before


async def test_bytes_that_are_no_text_are_refused(bot_api: BotApi, room: Chat) -> None:
    """Sent by hand: the library refuses to encode half a surrogate pair."""
    url = f"{bot_api.base_url}{bot_api.token}/sendmessage"
    async with httpx.AsyncClient() as client:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        raw = await client.post(url, content=f"chat_id={room.id}&text=%ED%A0%80", headers=form)
        markup = '{"inline_keyboard": [[{"text": "\\ud800", "callback_data": "x"}]]}'
        odd = await client.get(url, params={"chat_id": room.id, "text": "x", "reply_markup": markup})
    assert raw.json()["description"] == "Bad Request: strings must be encoded in UTF-8"
    assert (odd.status_code, room.from_bot) == (400, [])


def test_html_is_read_as_documented() -> None:
    nested = message_text('é😀 <b>bold <i>both</i></b> <a href="http://x.fr/?a=1&amp;b">l</a>', "HTML")
    assert nested.text == "é😀 bold both l"
    assert nested.entities() == [
        {"type": "bold", "offset": 4, "length": 9},
        {"type": "italic", "offset": 9, "length": 4},
        {"type": "text_link", "offset": 14, "length": 1, "url": "http://x.fr/?a=1&b"},
    ]
    code = message_text('<pre><code class="language-py">x &lt; 1</code></pre>', "HTML")
    assert code.entities() == [{"type": "pre", "offset": 0, "length": 5, "language": "py"}]
    fold = message_text("<blockquote expandable>long</blockquote>", "HTML")
    assert fold.entities() == [{"type": "expandable_blockquote", "offset": 0, "length": 4}]
    assert message_text("&nbsp;&apos;&eacute; &quot;&#39;&#x27;", "HTML").text == "&nbsp;&apos;&eacute; \"''"
    assert decode_reference("&lt x", 0) == ("<", 3)


def test_texts_are_cleaned_and_linked_as_clients_show_them() -> None:
    assert message_text(" \n a\u202eb\tc\rd\0 \n", "").text == "ab cd"
    found = message_text("/show_1 by anne@example.org, @bureau, www.example.org #amap", "")
    kinds = [entity["type"] for entity in found.entities()]
    assert kinds == ["bot_command", "email", "mention", "url", "hashtag"]
    assert len(message_text("<b>x</b> " * 150, "HTML").styles) == 100


async def test_an_edit_must_change_something(bot: Bot, room: Chat) -> None:
    posted = await bot.send_message(room.id, "card", reply_markup=keys(("✅", "d")))
    same = refused(bot.edit_message_text("card", room.id, posted.message_id, reply_markup=keys(("✅", "d"))))
    assert (await same).startswith("Message is not modified: specified new message content")
    await bot.edit_message_reply_markup(room.id, posted.message_id, reply_markup=keys(("❌", "d")))
    await bot.edit_message_text("changed", room.id, posted.message_id)
    card = await room.shows("changed")
    assert (card.buttons, card.edits, card.history) == ([], 2, ["card", "card"])
    await bot.delete_message(room.id, posted.message_id)
    assert (room.from_bot, card.deleted) == ([], True)


async def test_an_album_and_files_are_posted_and_fetched(bot: Bot, bot_api: BotApi, anne: Person) -> None:
    await anne.starts()
    await bot.send_media_group(anne.id, [InputMediaPhoto(PNG, caption="<b>1</b>", parse_mode="HTML")] * 2)
    await bot.send_document(anne.id, b"From: a@b.fr", filename="post.eml", caption="the mail")
    album, second, mail = anne.private.from_bot
    assert album.album == second.album != ""
    assert mail.file
    assert (mail.file.name, mail.file.content, mail.text) == ("post.eml", b"From: a@b.fr", "the mail")
    await bot.edit_message_caption(anne.id, mail.id, caption="seen")
    assert mail.text == "seen"
    sent = await anne.sends_file(anne.private, "members.csv", b"name;address", caption="/import")
    update = (await bot.get_updates())[-1]
    assert update.message
    assert update.message.document
    file = await update.message.document.get_file()
    assert await file.download_as_bytearray() == b"name;address"
    assert sent.file
    object.__setattr__(sent.file, "content", bytes(20 * 1024 * 1024 + 1))
    assert await refused(update.message.document.get_file()) == "File is too big"


async def test_privacy_mode_hides_what_is_not_for_the_bot(bot: Bot, anne: Person, room: Chat) -> None:
    card = await bot.send_message(room.id, "which reason?", reply_markup=ForceReply(selective=True))
    question = room.every_message[card.message_id]
    assert question.force_reply
    await anne.says(room, "just talk")
    await anne.says(room, "/lists@another_bot")
    await anne.says(room, "/lists")
    await anne.says(room, "hello @facteur_bot")
    await anne.says(room, "too long", reply_to=question)
    told = [
        update.message.text for update in await bot.get_updates() if update.message and update.message.text
    ]
    assert told == ["/lists", "hello @facteur_bot", "too long"]
    room.promote()
    await anne.says(room, "just talk")
    assert (await bot.get_updates())[-1].message


async def test_a_migration_is_announced_twice_and_told_on_sending(
    bot: Bot, bot_api: BotApi, anne: Person
) -> None:
    old = bot_api.group("Bureau", anne, kind="group")
    new = await old.migrate()
    updates = [update.message for update in await bot.get_updates() if update.message]
    assert [(m.migrate_to_chat_id, m.migrate_from_chat_id) for m in updates][-2:] == [
        (new.id, None),
        (None, old.id),
    ]
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(old.id, "hello")
    assert caught.value.new_chat_id == new.id
    await bot.send_message(new.id, "hello")
    silent = bot_api.group("Autre", anne, kind="group")
    confirmed = (await bot.get_updates())[-1].update_id + 1
    await silent.migrate(announced=False)
    assert not await bot.get_updates(offset=confirmed)


async def test_topics_are_made_named_closed_and_lost(bot: Bot, bot_api: BotApi, anne: Person) -> None:
    forum = bot_api.group("Forum", anne, forum=True)
    assert "Not enough rights to create a topic" in await refused(
        bot.create_forum_topic(forum.id, "adherents")
    )
    forum.promote("can_manage_topics")
    made = await bot.create_forum_topic(forum.id, "adherents")
    await bot.edit_forum_topic(forum.id, made.message_thread_id, name="contrats")
    topic = forum.topic("contrats")
    posted = await bot.send_message(forum.id, "card", message_thread_id=topic.id)
    assert posted.is_topic_message
    assert [message.text for message in forum.in_topic(topic)][1:] == ["card"]
    await anne.says(forum, "/lists", topic=topic)
    update = (await bot.get_updates())[-1]
    assert update.message
    assert update.message.message_thread_id == topic.id
    assert await refused(bot.send_message(forum.id, "x", message_thread_id=1)) == "Message thread not found"
    await bot.close_forum_topic(forum.id, topic.id)
    forum.promote("can_delete_messages")
    assert await refused(bot.send_message(forum.id, "x", message_thread_id=topic.id)) == "Topic_closed"
    forum.delete_topic(topic)
    thread = refused(bot.send_message(forum.id, "x", message_thread_id=topic.id))
    assert await thread == "Message thread not found"


async def test_menus_are_offered_by_scope_and_language(bot: Bot, bot_api: BotApi, room: Chat) -> None:
    anne, bruno = bot_api.person("Anne", language="fr"), bot_api.person("Bruno", language="en")
    room.administrators.add(bruno.id)
    await bot.set_my_commands([BotCommand("start", "begin")])
    await bot.set_my_commands([BotCommand("lists", "all lists")], BotCommandScopeAllGroupChats())
    await bot.set_my_commands([BotCommand("lists", "les listes")], BotCommandScopeAllGroupChats(), "fr")
    await bot.set_my_commands([BotCommand("bind", "bind")], BotCommandScopeAllChatAdministrators())
    assert [command["description"] for command in menu(bot_api, anne, room)] == ["les listes"]
    assert [command["command"] for command in menu(bot_api, bruno, room)] == ["bind"]
    assert [command["command"] for command in menu(bot_api, anne, anne.private)] == ["start"]
    await bot.set_my_commands([BotCommand("pending", "held")], BotCommandScopeChat(room.id))
    assert [command.command for command in await bot.get_my_commands(BotCommandScopeChat(room.id))] == [
        "pending"
    ]
    await bot.delete_my_commands(BotCommandScopeChat(room.id))
    assert not await bot.get_my_commands(BotCommandScopeChat(room.id))
    await bot.set_my_description("A list", "en")
    await bot.set_my_short_description("short")
    assert (await bot.get_my_description("en")).description == "A list"
    assert (await bot.get_my_short_description("fr")).short_description == "short"


async def test_chats_and_members_are_described(bot: Bot, anne: Person, room: Chat) -> None:
    room.administrators.add(anne.id)
    room.anonymous.add(anne.id)
    room.promote()
    await anne.says(room, "/bind")
    update = (await bot.get_updates())[-1]
    assert update.message
    assert update.message.from_user
    assert update.message.sender_chat
    assert update.message.from_user.username == "GroupAnonymousBot"
    assert update.message.sender_chat.id == room.id
    assert (await bot.get_chat(room.id)).title == "Modération"
    assert [member.status for member in await bot.get_chat_administrators(room.id)] == ["administrator"] * 2
    assert (await bot.get_chat_member(room.id, anne.id)).user.first_name == "Anne"
    assert (await bot.get_me()).username == "facteur_bot"
    room.mute()
    assert not getattr(await bot.get_chat_member(room.id, bot.id), "can_send_messages", True)


async def test_a_person_edits_and_what_was_said_is_told_again(bot: Bot, anne: Person) -> None:
    said = await anne.says(anne.private, "/list", reply_to=None)
    await anne.edits(said, "/lists")
    edited = (await bot.get_updates())[-1].edited_message
    assert edited
    assert edited.text == "/lists"
    options = LinkPreviewOptions(is_disabled=True)
    await bot.send_message(anne.id, "x", link_preview_options=options, disable_notification=True)
    assert anne.private.from_bot[-1].silent
    await bot.delete_messages(anne.id, [said.id])
    assert said.deleted


async def test_a_reply_may_go_without_what_it_answers(bot: Bot, room: Chat, anne: Person) -> None:
    asked = await anne.says(room, "/lists")
    await bot.send_message(room.id, "here", reply_parameters=ReplyParameters(asked.id))
    assert room.from_bot[-1].reply_to is asked
    lost = ReplyParameters(4711, allow_sending_without_reply=True)
    await bot.send_message(room.id, "there", reply_parameters=lost)
    assert room.from_bot[-1].reply_to is None
