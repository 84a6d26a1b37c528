"""The transport alone, on a Bot API server as strict as the real one, with a scripted listener."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from bot.core.chat import Answer, Button, File, Place, Press, Screen, Tone, Utterance, line
from bot.core.errors import Busy, PermanentError, ServerTrouble, Trouble
from bot.core.people import Actor
from bot.core.text import Text
from tests.support.bot_api import EVERY, TOKEN, BotApi, Chat, Message, Person, broken, cut, flooded, slow
from tests.support.patience import WAIT_S
from transports.telegram.room import Menu, Telegram
from transports.telegram.troubles import MUTED, REMOVED

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x40\x00\x00\x00\x40\x08\x02\x00\x00\x00\x25\x0b\xe6\x89"
)
CARD = Screen(
    lines=(line("#1 adherents · Carottes", strong=True),),
    quote="Bonjour",
    buttons=((Button("✅ Distribute", "distribute:1:0", Tone.SUCCESS), Button("❌ Reject", "reject:1:0")),),
)


@dataclass
class Listening:
    """Keeps what it is told, and answers from its script."""

    answers: dict[str, Answer] = field(default_factory=dict)
    said_: list[Utterance] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    moves: list[tuple[str, str, str]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    troubles: list[tuple[str, Text | None]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def said(self, utterance: Utterance) -> Answer | None:
        self.said_.append(utterance)
        self.happened.set()
        if self.gate and utterance.text.startswith("/slow"):
            await self.gate.wait()
        return self.answers.get(utterance.text)

    async def reminded(self, speaker: Actor, place: Place) -> Answer | None:
        return None

    async def expects_secret(self, speaker: Actor, place: Place) -> bool:
        return False

    async def pressed(self, press: Press) -> Answer:
        self.presses.append(press)
        self.happened.set()
        if self.meanwhile:
            await self.meanwhile()
        return self.answers.get(press.data, Answer(f"pressed {press.data}"))

    async def moved(self, transport: str, before: str, after: str) -> None:
        self.moves.append((transport, before, after))
        self.happened.set()

    async def unreachable(self, place: Place, why: Text | None) -> None:
        self.states[place.address] = str(why or "")
        self.happened.set()

    async def away(self, transport: str, why: Text | None) -> None:
        self.troubles.append((transport, why))
        self.happened.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self.happened.clear()
                await self.happened.wait()


def telegram(api: BotApi, **options: object) -> Telegram:
    return Telegram(api.token, base_url=api.url, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def running(transport: Telegram, listener: Listening) -> AsyncIterator[Telegram]:
    task = asyncio.create_task(transport.run(listener))
    try:
        yield transport
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def listener() -> Listening:
    return Listening()


@pytest.fixture
async def transport(bot_api: BotApi, listener: Listening) -> AsyncIterator[Telegram]:
    async with running(telegram(bot_api), listener) as made:
        yield made


@pytest.fixture
def anne(bot_api: BotApi) -> Person:
    return bot_api.person("Anne")


@pytest.fixture
def group(bot_api: BotApi, anne: Person) -> Chat:
    return bot_api.group("Modération", anne)


def say(words: str, **more: object) -> Answer:
    return Answer(screens=(Screen(lines=(line(words),), **more),))  # type: ignore[arg-type]


async def posted(transport: Telegram, chat: Chat, screen: Screen = CARD) -> Message:
    return chat.every_message[int(await transport.post(str(chat.id), screen))]


async def test_a_card_is_posted_pressed_and_edited_in_place(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    listener.answers["distribute:1:0"] = Answer("Distributed")
    card = await posted(transport, group)
    assert card.text == "#1 adherents · Carottes\nBonjour"
    assert [button.style for button in card.markup.buttons[0]] == ["success", ""]

    answered = await anne.taps(card, "Distribute")
    await transport.edit(str(group.id), str(card.id), Screen(lines=(line("✅ Distributed by Anne"),)))

    assert answered.text == "Distributed"
    [press] = listener.presses
    assert (press.speaker.id, press.speaker.name) == (f"telegram:{anne.id}", "Anne")
    assert press.place == Place("telegram", str(group.id), title="Modération")
    assert (card.text, card.buttons, card.edits) == ("✅ Distributed by Anne", [], 1)


async def test_a_tap_is_answered_before_anything_else_leaves(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """Whoever brings the cards up to date is woken by the very decision, and must come second."""
    card = await posted(transport, group)
    edits: list[asyncio.Task[None]] = []

    async def edited() -> None:
        edits.append(
            asyncio.create_task(transport.edit(str(group.id), str(card.id), replace(CARD, buttons=())))
        )
        await asyncio.wait(edits, timeout=0.05)

    listener.meanwhile = edited
    await anne.taps(card, "Distribute")
    await edits[0]

    later = [request.method for request in bot_api.requests if request.method != "getUpdates"]
    assert later[-2:] == ["answerCallbackQuery", "editMessageText"]


async def test_an_answer_to_a_tap_is_never_too_long_for_telegram(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """200 units, of which an emoji is two; it must be closed by hand, so that there is time to read it."""
    listener.answers["distribute:1:0"] = Answer("🥕" * 190)
    card = await posted(transport, group)

    answered = await anne.taps(card, "Distribute")

    assert answered.text == "🥕" * 99 + "…"
    assert answered.alert


async def test_an_edit_of_what_is_gone_or_unchanged_is_no_error(
    transport: Telegram, anne: Person, group: Chat
) -> None:
    card = await posted(transport, group)

    await transport.edit(str(group.id), str(card.id), CARD)
    await anne.deletes(card)
    await transport.edit(str(group.id), str(card.id), Screen(lines=(line("decided"),)))


async def test_only_what_is_said_to_the_bot_is_heard(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """Commands, also with the bot's name, replies to it and mentions; not more where it hears more."""
    bot_api.privacy = False
    card = await posted(transport, group)
    await anne.says(group, "good morning all")
    await anne.says(group, "/lists@another_bot")
    await anne.says(group, "/lists@facteur_bot adherents")
    await anne.says(group, "because of the date", reply_to=card)
    await anne.says(group, "@facteur_bot /help")
    await anne.says(anne.private, "hello")

    await listener.until(lambda: len(listener.said_) == 4)

    assert {each.text for each in listener.said_} == {
        "/lists adherents",
        "because of the date",
        "/help",
        "hello",
    }
    assert {each.place.private for each in listener.said_ if each.text == "hello"} == {True}


async def test_an_answer_replies_in_groups_and_not_in_private(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    listener.answers["/lists"] = say("two lists")

    said = await anne.says(group, "/lists")
    assert (await group.shows("two lists")).reply_to is said
    await anne.says(anne.private, "/lists")
    assert (await anne.private.shows("two lists")).reply_to is None


async def test_words_of_one_person_are_heard_in_order_and_slow_ones_keep_nobody_waiting(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    card = await posted(transport, group)
    listener.gate = asyncio.Event()
    listener.answers["/slow"] = say("that took a while")
    listener.answers["/next"] = say("the next one")
    await anne.says(group, "/slow")
    await anne.says(group, "/next")

    await anne.taps(card, "Distribute")
    bruno = card.chat.network.person("Bruno")
    await bruno.says(group, "/next")
    answer = await group.shows("the next one")
    assert answer.reply_to
    assert answer.reply_to.sender["first_name"] == "Bruno"
    assert [each.text for each in listener.said_] == ["/slow", "/next"]
    listener.gate.set()
    await group.shows("that took a while")

    await listener.until(lambda: len(listener.said_) == 3)


async def test_what_was_said_while_the_bot_was_down_is_answered_at_the_next_start(
    bot_api: BotApi, listener: Listening, anne: Person, group: Chat
) -> None:
    """Taps too, although nobody can be told any more."""
    listener.answers["/lists"] = say("two lists")
    async with running(telegram(bot_api), listener) as first:
        card = await posted(first, group)
    await anne.says(group, "/lists")
    tap = asyncio.create_task(anne.taps(card, "Distribute"))
    await bot_api.seen(lambda: bot_api.queries)

    async with running(telegram(bot_api), listener):
        await group.shows("two lists")
        await tap

    assert [press.data for press in listener.presses] == ["distribute:1:0"]


async def test_what_was_being_handled_when_it_crashed_is_handled_once_more(
    bot_api: BotApi, listener: Listening, anne: Person, group: Chat
) -> None:
    """Confirmed is only what was handled: a task that is killed has confirmed nothing."""
    crashed = Listening(gate=asyncio.Event())
    task = asyncio.create_task(telegram(bot_api).run(crashed))
    await anne.says(group, "/slow")
    await crashed.until(lambda: crashed.said_)
    task.cancel()
    await asyncio.wait({task})

    listener.answers["/slow"] = say("done at last")
    async with running(telegram(bot_api), listener):
        await group.shows("done at last")

    assert len(crashed.said_) == len(listener.said_) == 1


async def test_offline_from_the_first_second_on_is_no_reason_to_give_up(
    bot_api: BotApi, listener: Listening, anne: Person, group: Chat
) -> None:
    """At the start, and again in the middle (python-telegram-bot#4405, #510, #605)."""
    listener.answers["/lists"] = say("two lists")
    await bot_api.goes_offline()
    async with running(telegram(bot_api), listener) as transport:
        with pytest.raises(ServerTrouble) as caught:
            await transport.post(str(group.id), CARD)
        assert caught.value.trouble is Trouble.LOST
        await anne.says(group, "/lists")
        await bot_api.comes_back()
        await group.shows("two lists")

        await bot_api.goes_offline()
        await anne.says(group, "/lists")
        await bot_api.comes_back()
        await bot_api.seen(lambda: len(group.from_bot) == 2)


async def test_a_server_that_fails_or_hangs_up_is_asked_again(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    listener.answers["/lists"] = say("two lists")
    bot_api.troubles.add("getUpdates", broken(502), times=1)
    bot_api.troubles.add("sendMessage", cut("before"), times=1)

    await anne.says(group, "/lists")

    await group.shows("two lists")


async def test_a_second_listener_is_told_in_plain_words(bot_api: BotApi, listener: Listening) -> None:
    """Two programs with one token (python-telegram-bot#1821, #4237)."""
    api = telegram(bot_api)
    bot_api.troubles.add(
        "getUpdates", broken(409, "Conflict: terminated by other getUpdates request"), times=EVERY
    )

    with pytest.raises(ServerTrouble) as caught:
        await api.drain(listener)
    await api.close()

    assert caught.value.trouble is Trouble.IN_USE
    assert "Another program listens as this bot" in str(caught.value)


async def test_whoever_can_mend_it_is_told_that_another_program_listens(
    bot_api: BotApi, listener: Listening
) -> None:
    """Two programs with one token (python-telegram-bot#1821, #4237)."""
    refused = broken(409, "Conflict: terminated by other getUpdates request")
    bot_api.troubles.add("getUpdates", refused, times=EVERY)
    async with running(telegram(bot_api), listener):
        await listener.until(lambda: listener.troubles)
    [(network, why)] = listener.troubles
    assert network == "telegram"
    assert "Another program listens as this bot" in str(why)


async def test_an_outage_and_its_end_are_told_once_each(bot_api: BotApi, listener: Listening) -> None:
    async with running(telegram(bot_api), listener):
        await listener.until(lambda: listener.troubles == [("telegram", None)])
        bot_api.troubles.add("getUpdates", broken(502), times=2)
        bot_api.person("Anne")
        await listener.until(lambda: len(listener.troubles) == 3)
    assert [why is None for _, why in listener.troubles] == [True, False, True]


async def test_a_wrong_token_is_explained_and_never_shown(bot_api: BotApi) -> None:
    wrong = TOKEN[:-3] + "xyz"
    transport = Telegram(wrong, base_url=bot_api.url)

    with pytest.raises(ServerTrouble) as caught:
        await transport.check()
    await transport.close()

    assert caught.value.trouble is Trouble.LOGIN
    assert "BotFather" in str(caught.value)
    assert wrong not in repr(caught.value) + str(caught.value.text.values)


async def test_a_group_that_telegram_shuts_does_not_stop_the_others(
    bot_api: BotApi, transport: Telegram, group: Chat, anne: Person
) -> None:
    """RetryAfter counts for that chat alone (alexei-led/ccgram#171), and edits there go on."""
    card, other = await posted(transport, group), bot_api.group("Bureau", anne)
    bot_api.troubles.add("sendMessage", flooded(30), chat_id=group.id)

    with pytest.raises(Busy) as caught:
        await transport.post(str(group.id), CARD)
    assert 29 <= caught.value.delay.total_seconds() <= 30
    asked = len(bot_api.calls("sendMessage"))
    with pytest.raises(Busy):
        await transport.post(str(group.id), CARD)
    assert asked == len(bot_api.calls("sendMessage"))
    await transport.edit(str(group.id), str(card.id), Screen(lines=(line("decided"),)))
    await posted(transport, other)


async def test_topics_share_the_budget_of_their_group(
    bot_api: BotApi, transport: Telegram, anne: Person
) -> None:
    forum = bot_api.group("AMAP", anne, forum=True)
    topics = [forum.open_topic(f"list {number}") for number in range(2)]

    for number in range(12):
        await transport.post(f"{forum.id}:{topics[number % 2].id}", CARD)
    with pytest.raises(Busy):
        await transport.post(f"{forum.id}:{topics[0].id}", CARD)

    assert len(forum.from_bot) == 12
    assert {message.topic_id for message in forum.from_bot} == {topic.id for topic in topics}


async def test_a_press_in_a_topic_names_the_topic(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person
) -> None:
    forum = bot_api.group("AMAP", anne, forum=True)
    topic = forum.open_topic("adherents")
    address = f"{forum.id}:{topic.id}"
    listener.answers["distribute:1:0"] = Answer("Done", screens=(Screen(lines=(line("more below"),)),))
    card = forum.every_message[int(await transport.post(address, CARD))]

    await anne.taps(card, "Distribute")

    assert (await forum.shows("more below")).topic_id == topic.id
    assert listener.presses[0].place.address == address


async def test_a_deleted_topic_moves_its_room_to_the_group(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person
) -> None:
    forum = bot_api.group("AMAP", anne, forum=True)
    await anne.says(forum, "/help")
    await listener.until(lambda: listener.said_)
    topic = forum.open_topic("adherents")
    forum.delete_topic(topic)

    with pytest.raises(Busy):
        await transport.post(f"{forum.id}:{topic.id}", CARD)

    assert listener.moves == [("telegram", f"{forum.id}:{topic.id}", str(forum.id))]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_group_that_becomes_a_supergroup_is_followed(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, *, announced: bool
) -> None:
    """By the service messages, or by the error on the next send (eternnoir/pyTelegramBotAPI#1682)."""
    small = bot_api.group("Bureau", anne, kind="group")
    await posted(transport, small)
    await anne.says(small, "/help")
    await listener.until(lambda: listener.said_)

    large = await small.migrate(announced=announced)
    if not announced:
        with pytest.raises(Busy):
            await transport.post(str(small.id), CARD)
    await listener.until(lambda: listener.moves)

    assert set(listener.moves) == {("telegram", str(small.id), str(large.id))}
    await posted(transport, large)


async def test_a_room_that_the_bot_may_not_write_in_is_told(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """Removed, taken in again, muted: by Telegram's own word, and by the refusal, in the same words."""
    address = str(group.id)
    await posted(transport, group)
    group.kick(anne)
    await listener.until(lambda: listener.states.get(address) == str(REMOVED))
    with pytest.raises(PermanentError, match=re.escape(str(REMOVED))):
        await transport.post(address, CARD)

    group.add(anne)
    await listener.until(lambda: listener.states.get(address) == "")
    await posted(transport, group)

    group.mute(anne)
    await listener.until(lambda: listener.states.get(address) == str(MUTED))
    with pytest.raises(PermanentError, match=re.escape(str(MUTED))):
        await transport.post(address, CARD)


async def test_a_refusal_of_before_the_bot_came_back_is_no_news(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """The answer to a message may be slower than the word that the bot is in the group again."""
    refused = broken(403, "Forbidden: bot was kicked from the supergroup chat")
    refused.held = True
    bot_api.troubles.add("sendMessage", refused)
    posting = asyncio.create_task(transport.post(str(group.id), CARD))
    await asyncio.wait_for(refused.arrived.wait(), WAIT_S)
    group.kick(anne)
    await listener.until(lambda: "removed" in listener.states.get(str(group.id), ""))
    group.add(anne)
    await listener.until(lambda: listener.states.get(str(group.id)) == "")
    refused.released.set()

    with pytest.raises(PermanentError, match="removed"):
        await posting
    assert listener.states == {str(group.id): ""}


async def test_what_befalls_a_forum_befalls_its_topics(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person
) -> None:
    forum = bot_api.group("AMAP", anne, forum=True)
    topic = forum.open_topic("adherents")
    await transport.post(f"{forum.id}:{topic.id}", CARD)

    forum.kick(anne)

    await listener.until(lambda: len([why for why in listener.states.values() if why]) == 2)
    assert set(listener.states) == {str(forum.id), f"{forum.id}:{topic.id}"}


async def test_an_answer_with_a_password_is_deleted_or_whoever_wrote_it_is_asked_to(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    listener.answers["/set password=abc"] = replace(say("changed"), secret=True)
    said = await anne.says(group, "/set password=abc")
    await group.shows("Please delete your message")
    assert not said.deleted

    group.promote(by=anne)
    said = await anne.says(group, "/set password=abc")
    await bot_api.seen(lambda: said.deleted)


async def test_typed_answers_are_asked_of_whoever_tapped(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """A forced reply is selective: it must name or answer the one whom it asks."""
    listener.answers["reject:1:0"] = Answer(screens=(Screen(lines=(line("Why?"),), asks=True),))
    listener.answers["too long"] = say("Rejected: too long")
    card = await posted(transport, group)

    await anne.taps(card, "Reject")
    question = await group.shows("Why?")
    await anne.says(group, "too long", reply_to=question)

    assert question.text == "Anne\nWhy?"
    assert question.force_reply
    assert [style.extra for style in question.rich.styles] == [f"tg://user?id={anne.id}"]
    await group.shows("Rejected: too long")


async def test_a_private_button_leads_to_the_private_chat_and_is_pressed_there(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """Where a secret is asked for: t.me/<bot>?start=<token>."""
    listener.answers["/addlist"] = say(
        "Its password, please", buttons=((Button("🔑 In private", "/password 1", private=True),),)
    )
    listener.answers["/password 1"] = say("Type it here")
    await anne.says(group, "/addlist")
    offered = await group.shows("Its password")
    link = offered.button("In private").url
    assert link.startswith("https://t.me/facteur_bot?start=")

    await anne.starts(link.partition("=")[2])

    await anne.private.shows("Type it here")
    assert listener.presses[0].place.private


async def test_a_link_that_somebody_invented_presses_nothing(
    transport: Telegram, listener: Listening, anne: Person
) -> None:
    """Whoever follows it is an administrator perhaps: this one says /addadmin telegram:666."""
    await anne.starts("p-L2FkZGFkbWluIHRlbGVncmFtOjY2Ng")

    await listener.until(lambda: listener.said_ or listener.presses)

    assert [said.text for said in listener.said_] == ["/start"]
    assert listener.presses == []


async def test_pages_turn_in_place(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    listener.answers["/archives"] = say("page 1", buttons=((Button("➡️", "/archives after=9"),),))
    listener.answers["/archives after=9"] = Answer(instead=Screen(lines=(line("page 2"),)))
    await anne.says(group, "/archives")
    page = await group.shows("page 1")

    await anne.taps(page, "➡️")

    await group.becomes(page, "page 2")
    assert len(group.from_bot) == 1


async def test_files_come_after_the_words_photos_as_an_album_and_each_failure_alone(
    bot_api: BotApi, transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """A card that waited for its files never appeared (t2bot/matrix-email-bot#56)."""
    files = (
        File("1.eml", "message/rfc822", b"From: a@b.org\r\n\r\nhello"),
        *(File(f"{number}.png", "image/png", PNG + bytes([number])) for number in range(3)),
        File("film.mp4", "video/mp4", bytes(50_000_001)),
        File("empty.txt", "text/plain", b""),
    )
    listener.answers["read:1:0"] = Answer("Here", screens=(Screen(lines=(line("The text"),), files=files),))
    button = replace(CARD, buttons=((Button("👁 Read", "read:1:0"),),))
    card = await posted(transport, group, button)

    await anne.taps(card, "Read")
    await group.shows("empty.txt could not be sent")

    text, *rest = [message for message in group.from_bot if message is not card]
    assert text.text == "The text"
    assert text.reply_to is card
    album = [message for message in rest if message.album]
    assert [message.file.kind for message in album if message.file] == ["photo"] * 3
    assert "film.mp4 has 50 MB: Telegram takes at most 50 MB" in rest[-2].text
    assert [message.file.name for message in rest if message.file and message.file.kind == "document"] == [
        "1.eml"
    ]


async def test_images_that_telegram_does_not_take_as_photos_are_sent_as_files(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    listener.answers["/eml"] = say("Here", files=(File("x.png", "image/png", b"not an image"),))

    await anne.says(group, "/eml")

    def found() -> Message | None:
        return next((m for m in group.from_bot if m.file and m.file.kind == "document"), None)

    assert (await group.network.seen(found)).file


async def test_a_file_that_is_sent_with_a_command_comes_with_it(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    await anne.sends_file(
        group, "members.csv", b"a@b.org\n", content_type="text/csv", caption="/import adherents"
    )
    await anne.sends_file(group, "holiday.jpg", b"...", caption="look")

    await listener.until(lambda: listener.said_)

    [heard] = listener.said_
    [file] = heard.files
    assert (heard.text, file.name, file.size_octets) == ("/import adherents", "members.csv", 8)
    assert await file.fetch() == b"a@b.org\n"


async def test_a_file_comes_with_the_command_that_replies_to_it(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    sheet = await anne.sends_file(group, "members.csv", b"a@b.org\n", content_type="text/csv")
    await anne.says(group, "/import adherents", reply_to=sheet)

    await listener.until(lambda: listener.said_)

    [heard] = listener.said_
    assert (heard.text, [file.name for file in heard.files]) == ("/import adherents", ["members.csv"])


async def test_an_anonymous_administrator_is_somebody_of_the_group(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    group.anonymous.add(anne.id)

    await anne.says(group, "/lists")
    await listener.until(lambda: listener.said_)

    [heard] = listener.said_
    assert heard.speaker == Actor(f"anonymous:telegram:{group.id}", "Somebody anonymous of Modération")
    assert heard.speaker.is_anonymous


async def test_channels_are_not_heard(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    """Neither what a linked channel publishes, nor whoever writes in a channel's name."""
    await group.channel_publishes("/lists", automatic=True)
    await group.channel_publishes("/lists", automatic=False)
    await anne.says(group, "/pending")
    await listener.until(lambda: listener.said_)

    assert [heard.text for heard in listener.said_] == ["/pending"]


async def test_what_is_forwarded_is_told_from_what_is_said(
    transport: Telegram, listener: Listening, anne: Person, group: Chat
) -> None:
    await anne.forwards(group, "/distribute 1")
    await listener.until(lambda: listener.said_)
    await anne.says(group, "/pending")
    await listener.until(lambda: len(listener.said_) == 2)

    assert [heard.forwarded for heard in listener.said_] == [True, False]


async def test_commands_are_offered_by_scope_and_language(
    bot_api: BotApi, listener: Listening, anne: Person
) -> None:
    everyone, moderators, admins = [("start", "Hello")], [("lists", "Lists")], [("addlist", "Add")]
    await anne.starts()
    menus = [
        Menu("", everyone, moderators, admins),
        Menu("fr", [("start", "Bonjour")], moderators, admins),
    ]
    transport = telegram(bot_api, menus=menus, admins=[f"telegram:{anne.id}", "matrix:@a:b"])

    async with running(transport, listener):
        await bot_api.asked("setMyCommands", 6)

    assert sorted({key[0] for key in bot_api.menus}) == ["all_group_chats", "chat", "default"]
    async with running(telegram(bot_api, menus=menus), listener):
        await bot_api.asked("getMyCommands", 10)
    assert len(bot_api.calls("setMyCommands")) == 6


async def test_a_drain_answers_what_was_said_and_returns(
    bot_api: BotApi, listener: Listening, anne: Person, group: Chat
) -> None:
    """For ``facteur poll``; the second time there is nothing left."""
    listener.answers["/lists"] = say("two lists")
    for _ in range(3):
        await anne.says(group, "/lists")
    for _ in range(2):
        transport = telegram(bot_api)
        await transport.drain(listener)
        await transport.close()

    assert len(listener.said_) == 3
    assert len(group.from_bot) == 3


async def test_a_page_that_telegram_does_not_take_now_keeps_no_drain_waiting(
    bot_api: BotApi, listener: Listening, anne: Person, group: Chat
) -> None:
    """Nor, in a service, the news that come after it: nothing later could be confirmed."""
    listener.answers["/archives after=9"] = Answer(instead=Screen(lines=(line("page 2"),)))
    transport = telegram(bot_api)
    page = await posted(
        transport, group, say("page 1", buttons=((Button("➡️", "/archives after=9"),),)).screens[0]
    )
    bot_api.troubles.add("editMessageText", flooded(3_600), chat_id=group.id)

    async with asyncio.timeout(WAIT_S):
        tapped = asyncio.create_task(anne.taps(page, "➡️"))
        while not tapped.done():
            await transport.drain(listener)
    assert listener.presses
    await transport.close()


async def test_a_poll_that_hangs_is_given_up(bot_api: BotApi, listener: Listening) -> None:
    """The watchdog is on the last successful poll, not on the connection."""
    held = bot_api.troubles.add("getUpdates", slow("before"))
    async with running(telegram(bot_api), listener):
        await held.arrived.wait()
    bot_api.troubles.clear()
