"""Matrix on a real homeserver: what is shown in plain and in encrypted rooms, and what is heard."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.core.chat import Answer, Button, File, Place, Press, Screen, Utterance, line
from bot.core.errors import Busy, FacteurError
from tests.support.matrix_bot import Bot, a_card, room_with
from tests.support.matrix_people import ENCRYPTED, MakeMember, Member, relation_of
from tests.support.synapse import Synapse


@ENCRYPTED
async def test_a_card_is_shown_pressed_and_edited(bot: Bot, anne: Member, encrypted: bool) -> None:
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne, encrypted=encrypted)

        message_id = await matrix.post(room_id, a_card())
        card = await anne.message("#12 amap")
        await anne.reacted(message_id, bot.user.id, "✅", "❌")
        await anne.react(room_id, message_id, "✅")
        press = await bot.listener.until(lambda each: isinstance(each, Press))
        await matrix.edit(room_id, message_id, a_card(decided="✅ Distributed by Anne"))
        await anne.edited(message_id, "Distributed by Anne")
        await anne.reacted(message_id, bot.user.id, "↩️")

    assert card.decrypted is encrypted
    assert card.event_id == message_id
    assert card.source["content"]["m.mentions"] == {}
    assert press.data == "distribute:12:0"
    assert press.speaker.id == f"matrix:{anne.user.id}"
    assert press.place == Place("matrix", room_id, private=True, title="moderation")
    assert bot.listener.presses == ["distribute:12:0"]


async def test_what_is_said_and_pressed_while_the_bot_is_away_is_handled_once(bot: Bot, anne: Member) -> None:
    """More than a sync brings by itself: the gap is read too."""
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        message_id = await matrix.post(room_id, a_card())
        await anne.reacted(message_id, bot.user.id, "✅", "❌")
    await anne.react(room_id, message_id, "❌")
    await anne.say(room_id, "!first")
    for number in range(70):
        await anne.say(room_id, f"chat {number}")
    await anne.say(room_id, "!last")

    for _ in range(2):
        await bot.drains()

    assert bot.listener.presses == ["reject:12:0"]
    assert [word for word in bot.listener.words if word.startswith("!")] == ["!first", "!last"]


@ENCRYPTED
async def test_an_answer_to_a_press_stands_in_the_thread_of_the_card(
    bot: Bot, anne: Member, encrypted: bool
) -> None:
    """The text first, then the files, each by itself; one that cannot be handed out has its own line."""
    small = File("post.eml", "message/rfc822", b"Subject: Carottes\r\n\r\nBonjour\r\n")
    huge = File("film.mp4", "video/mp4", bytes(53_000_000))
    last = File("carottes.csv", "text/csv", b"a;b\r\n")
    all_of_it = Screen((line("All of it"),), files=(small, huge, last))
    bot.listener.answers["read:12:0"] = Answer(screens=(all_of_it,))
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne, encrypted=encrypted)
        card = await matrix.post(room_id, a_card())
        await anne.message("#12 amap")
        await anne.react(room_id, card, "👁\ufe0f")

        text = await anne.message("All of it")
        first = await anne.message("post.eml")
        failed = await anne.message("film.mp4")
        second = await anne.message("carottes.csv")

        assert await anne.file(first.source["content"]) == small.content
        assert await anne.file(second.source["content"]) == last.content
    assert "could not be handed out" in failed.body
    for event in (text, first, failed, second):
        relation = relation_of(event)
        assert (relation["rel_type"], relation["event_id"]) == ("m.thread", card)
        assert event.decrypted is encrypted
    assert ("file" in first.source["content"]) is encrypted


@ENCRYPTED
@pytest.mark.parametrize(
    ("typed", "heard"),
    [
        ("!lists", "!lists"),
        ("/lists", "/lists"),
        ("facteur{number}: lists", "!lists"),
        ("@facteur{number}:rig.test lists", "!lists"),
        ("> <@anne:rig.test> !reject 1\n> twice\n\n!lists", "!lists"),
    ],
)
async def test_a_command_is_answered_below_it(
    bot: Bot, anne: Member, encrypted: bool, typed: str, heard: str
) -> None:
    bot.listener.answers[heard] = Answer(screens=(Screen((line("two lists"),)),))
    words = typed.replace("facteur{number}", bot.user.name)
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$other"}}} if typed.startswith(">") else {}
    async with bot.running():
        room_id = await room_with(bot, anne, encrypted=encrypted)
        command = await anne.say(room_id, words, **reply)
        answer = await anne.message("two lists")

    assert relation_of(answer) == {"m.in_reply_to": {"event_id": command}}
    assert answer.source["content"]["msgtype"] == "m.notice"
    assert [each for each in bot.listener.words if each != "two lists"] == [heard]


async def test_a_command_in_a_thread_is_answered_there(bot: Bot, anne: Member) -> None:
    bot.listener.answers["!lists"] = Answer(screens=(Screen((line("two lists"),)),))
    async with bot.running():
        room_id = await room_with(bot, anne)
        root = await anne.say(room_id, "let us see")
        command = await anne.say(
            room_id, "!lists", **{"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
        )
        relation = relation_of(await anne.message("two lists"))

    assert relation["rel_type"] == "m.thread"
    assert relation["event_id"] == root
    assert relation["m.in_reply_to"]["event_id"] == command


async def test_an_edited_command_and_a_redacted_reaction_do_nothing(bot: Bot, anne: Member) -> None:
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        card = await matrix.post(room_id, a_card())
        await anne.message("#12 amap")
        first = await anne.say(room_id, "!lists")
        replaced = {"m.relates_to": {"rel_type": "m.replace", "event_id": first}}
        new = {"msgtype": "m.text", "body": "!dellist amap"}
        await anne.say(room_id, "* !dellist amap", **replaced, **{"m.new_content": new})
        reaction = await anne.react(room_id, card, "✅")
        await bot.listener.until(lambda each: isinstance(each, Press))
        await anne.redact(room_id, reaction)
        await anne.say(room_id, "!last")
        await bot.listener.until(lambda each: isinstance(each, Utterance) and each.text == "!last")

    assert bot.listener.presses == ["distribute:12:0"]
    assert bot.listener.words == ["!lists", "!last"]


async def test_a_reaction_to_anything_else_presses_nothing(bot: Bot, anne: Member) -> None:
    """To anybody's message, to a closed card, of another emoji, by the bot itself."""
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        card = await matrix.post(room_id, a_card())
        await anne.reacted(card, bot.user.id, "✅", "❌")
        mine = await anne.say(room_id, "look")
        await anne.react(room_id, mine, "✅")
        await anne.react(room_id, card, "🎉")
        await matrix.edit(room_id, card, Screen((line("#12 done"),)))
        await anne.reacted(card, bot.user.id)
        await anne.react(room_id, card, "✅")
        await anne.say(room_id, "!last")
        await bot.listener.until(lambda each: isinstance(each, Utterance) and each.text == "!last")

    assert bot.listener.presses == []


async def test_a_listing_turns_its_page_in_place(bot: Bot, anne: Member) -> None:
    def page(number: int) -> Screen:
        button = Button("➡️ Next", f"/archives after={number}")
        return Screen((line(f"page {number}"),), buttons=((button,),))

    bot.listener.answers["!archives"] = Answer(screens=(page(1),))
    bot.listener.answers["/archives after=1"] = Answer(instead=page(2))
    async with bot.running():
        room_id = await room_with(bot, anne)
        await anne.say(room_id, "!archives")
        listing = await anne.message("page 1")
        await anne.reacted(listing.event_id, bot.user.id, "➡️")
        await anne.react(room_id, listing.event_id, "➡")
        await anne.edited(listing.event_id, "page 2")

    assert bot.listener.presses == ["/archives after=1"]


async def test_what_takes_the_place_of_a_screen_is_not_said_below_it_too(bot: Bot, anne: Member) -> None:
    """The sentence of an answer is what the screen says from then on."""
    more = Screen((line("More for #12"),), buttons=((Button("👍 Allow", "allow:12:0"),),))
    allowed = Screen((line("allowed from now on"),))
    bot.listener.answers["!more"] = Answer(screens=(more,))
    bot.listener.answers["allow:12:0"] = Answer("allowed from now on", instead=allowed)
    bot.listener.answers["!last"] = Answer(screens=(Screen((line("last"),)),))
    async with bot.running():
        room_id = await room_with(bot, anne)
        await anne.say(room_id, "!more")
        screen = await anne.message("More for #12")
        await anne.reacted(screen.event_id, bot.user.id, "👍")
        await anne.react(room_id, screen.event_id, "👍")
        edited = await anne.edited(screen.event_id, "allowed")
        await anne.say(room_id, "!last")
        await anne.message("last", by=bot.user.id)

    said = [each.event_id for each in anne.messages(bot.user.id) if "allowed" in each.body]
    assert said == [edited.event_id]


async def test_a_password_is_taken_away_or_asked_to_be(bot: Bot, anne: Member) -> None:
    stored = Screen((line("stored"),))
    bot.listener.answers["!set amap password=s3cret"] = Answer(screens=(stored,), secret=True)
    async with bot.running():
        room_id = await room_with(bot, anne)
        await anne.say(room_id, "!set amap password=s3cret")
        await anne.message("delete your message")
        levels = anne.client.rooms[room_id].power_levels
        users = {**levels.users, bot.user.id: 50}
        await anne.client.room_put_state(room_id, "m.room.power_levels", {"users": users})
        second = await anne.say(room_id, "!set amap password=s3cret")
        await anne.message("stored", number=2)
        gone = await anne.client.room_get_event(room_id, second)

    assert "s3cret" not in str(gone.event.source)


async def test_two_people_of_one_name_are_told_apart(bot: Bot, anne: Member, member: MakeMember) -> None:
    other = await member("anne")
    for each in (anne, other):
        await each.client.set_displayname("Anne")
    async with bot.running():
        room_id = await anne.room(bot.user, other.user)
        await other.client.join(room_id)
        await anne.joined(room_id, bot.user)
        await anne.joined(room_id, other.user)
        await anne.say(room_id, "!whoami")
        heard = await bot.listener.until(lambda each: isinstance(each, Utterance))

    assert heard.speaker.name == f"Anne ({anne.user.id})"
    assert not heard.place.private


async def test_a_file_comes_with_the_command_below_it(bot: Bot, anne: Member) -> None:
    async with bot.running():
        room_id = await room_with(bot, anne, encrypted=True)
        await anne.upload(room_id, "holiday.csv", b"nothing for the bot")
        await anne.upload(room_id, "people.csv", b"anne@example.org;Anne", "!import @bureau")
        heard = await bot.listener.until(lambda each: isinstance(each, Utterance) and bool(each.text))
        [file] = heard.files
        content = await file.fetch()

    assert (file.name, content) == ("people.csv", b"anne@example.org;Anne")
    assert bot.listener.words == ["", "!import @bureau"]


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_file_comes_with_the_command_that_replies_to_it(
    bot: Bot, anne: Member, encrypted: bool
) -> None:
    """Most clients have no captions."""
    async with bot.running():
        room_id = await room_with(bot, anne, encrypted=encrypted)
        sheet = await anne.upload(room_id, "people.csv", b"anne@example.org;Anne")
        reply = {"m.relates_to": {"m.in_reply_to": {"event_id": sheet}}}
        words = await anne.say(room_id, "hello", **reply)
        await anne.say(room_id, "!import @bureau", **reply)
        heard = await bot.listener.until(
            lambda each: isinstance(each, Utterance) and bool(each.files) and bool(each.text)
        )
        [file] = heard.files
        content = await file.fetch()
        await anne.say(room_id, "!whoami", **{"m.relates_to": {"m.in_reply_to": {"event_id": words}}})
        await bot.listener.until(lambda each: isinstance(each, Utterance) and each.text == "!whoami")

    assert (heard.text, file.name, content) == (
        "!import @bureau",
        "people.csv",
        b"anne@example.org;Anne",
    )


async def test_a_file_is_not_fetched_before_somebody_wants_it(bot: Bot, anne: Member) -> None:
    """Whoever is in the room may send one: of this one there is nothing to fetch."""
    async with bot.running():
        room_id = await room_with(bot, anne)
        info = {"mimetype": "text/csv", "size": 200_000_000}
        where = {"url": "mxc://nowhere.example/a", "filename": "people.csv"}
        await anne.send(room_id, {"msgtype": "m.file", "body": "!import @bureau", "info": info, **where})
        heard = await bot.listener.until(lambda each: isinstance(each, Utterance))
        [file] = heard.files
        with pytest.raises(FacteurError):
            await file.fetch()

    assert (file.name, file.size_octets) == ("people.csv", 200_000_000)


async def test_a_card_posted_before_a_crash_is_not_posted_again(bot: Bot, anne: Member) -> None:
    """The crash came before anybody noted its id; meanwhile the card looks different."""
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        first = await matrix.post(room_id, replace(a_card(), key="card 7.1"))
    async with bot.running() as matrix:
        second = await matrix.post(room_id, replace(a_card(quote="Bonsoir"), key="card 7.1"))
        anew = await matrix.post(room_id, replace(a_card(), key="card 7.2"))
        await anne.edited(first, "Bonsoir")
        await anne.message("#12 amap", number=2)

    assert first == second != anew
    assert len([each for each in anne.messages(bot.user.id) if not relation_of(each)]) == 2


async def test_with_the_usual_limit_cards_come_before_reactions(
    synapse: Synapse, bot: Bot, anne: Member
) -> None:
    """A stock server takes nine events at once, then one in five seconds: nothing is lost."""
    bot.user = await synapse.add_user("facteur", limited=True)
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        loop = asyncio.get_running_loop()
        started = loop.time()
        card = await matrix.post(room_id, replace(a_card(), key="one"))
        await anne.reacted(card, bot.user.id, "✅", "❌")

        count, delay_s = 0, 0.0
        while not delay_s:
            try:
                await matrix.post(room_id, a_card(quote=f"text {count}"))
                count += 1
            except Busy as busy:
                delay_s = busy.delay.total_seconds()
        allowed = 9 + (loop.time() - started) / 5
        await anne.message("#12 amap", number=1 + count)

    assert 3 <= count <= allowed
    assert delay_s <= 10
