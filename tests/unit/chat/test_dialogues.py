"""Questions for what is missing: who is asked, what ends them, what becomes of the answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.chat.dialogues import LIFE
from bot.chat.dispatch import Dispatcher
from bot.chat.permissions import Permissions
from bot.core.chat import Place, Screen, Utterance
from bot.core.people import Actor
from bot.core.posts import PostState
from tests.support.office import ANNE, CONSOLE, PAUL, STRANGER, Office, buttons_of, text_of

GROUP = Place("telegram", "-1", title="Amis")
LIST = "Which list is it about?"
WHO = "Who is it?"


@pytest.fixture
async def two(office: Office) -> Office:
    """An office with a second list."""
    await office.add_list("bureau@amap.example")
    return office


def button(screen: Screen, label: str) -> str:
    [data] = [each.data for row in screen.buttons for each in row if each.label == label]
    return data


async def members(office: Office, name: str) -> list[str]:
    return [row["addresses"][0] for row in (await office.do(f"/members {name}")).rows]


async def test_whatever_is_missing_is_asked_for_one_after_the_other(two: Office) -> None:
    [screen] = await two.screens("/addmember")
    assert "Which list or group" in text_of(screen)
    assert screen.asks
    chosen = await two.press(button(screen, "bureau"))
    assert chosen.instead
    assert text_of(chosen.instead).strip() == "✔ bureau"
    assert WHO in text_of(chosen.screens[0])
    assert chosen.screens[0].asks
    assert "is among the members" in str(await two.answer("Luc Roy <luc@example.org>"))
    assert await members(two, "bureau") == ["luc@example.org"]


async def test_an_answer_may_be_typed_where_there_are_buttons(two: Office) -> None:
    assert LIST in await two.say("/list")
    assert "bureau@amap.example" in str(await two.answer("bureau"))


async def test_what_stands_behind_the_missing_list_is_kept(two: Office) -> None:
    assert "Which list or group" in await two.say("/addmember luc@example.org")
    assert "is among the members" in str(await two.answer("adherents"))
    assert LIST in await two.say('/set moderation=all prefix="[A b]"')
    assert "Saved for bureau@amap.example" in str(await two.answer("bureau"))


async def test_a_bad_answer_is_told_what_is_wrong_and_asked_again(two: Office) -> None:
    await two.say("/addmember adherents")
    again = str(await two.answer("Jean Roy"))
    assert "“Jean Roy” is not an e-mail address" in again
    assert WHO in again
    assert "is among the members" in str(await two.answer("jean.roy@example.org"))
    assert LIST in await two.say("/list")
    assert "No list is called “nope”." in str(await two.answer("nope"))
    assert "Did you mean bureau?" in str(await two.answer("burau"))
    assert "bureau@amap.example" in str(await two.answer("bureau"))


async def test_held_posts_are_offered_by_number_and_subject(office: Office) -> None:
    post = await office.hold()
    [screen] = await office.screens("/discard")
    await office.press(button(screen, f"#{post.id} Panier de jeudi"))
    assert (await office.desk.stores.posts.get(post.id)).state is PostState.DISCARDED
    [screen] = await office.screens("/undo")
    await office.press(button(screen, f"#{post.id} Panier de jeudi"))
    assert (await office.desk.stores.posts.get(post.id)).state is PostState.HELD


async def test_another_command_ends_it_silently_and_cancel_aloud(office: Office) -> None:
    await office.say("/addmember")
    await office.say("/lists")
    assert await office.answer("luc@example.org") is None
    await office.say("/addmember")
    assert "All right" in await office.say("/cancel")
    assert await office.answer("luc@example.org") is None
    assert "not waiting" in await office.say("/cancel")


async def test_only_who_was_asked_answers_and_only_there(two: Office) -> None:
    [screen] = await two.screens("/list", PAUL, GROUP)
    assert await two.answer("bureau", STRANGER, GROUP) is None
    assert await two.answer("bureau", PAUL, CONSOLE) is None
    stranger = await two.press(button(screen, "bureau"), STRANGER, GROUP)
    assert "That question is over, or was somebody else's" in text_of(stranger.screens[0])
    assert "bureau@amap.example" in str(await two.answer("bureau", PAUL, GROUP))


async def test_a_button_of_an_earlier_question_answers_nothing(office: Office) -> None:
    post = await office.hold()
    [earlier] = await office.screens("/discard")
    await office.say("/addmember adherents")
    late = await office.press(buttons_of(earlier)[0])
    assert "That question is over" in text_of(late.screens[0])
    assert (await office.desk.stores.posts.get(post.id)).state is PostState.HELD
    assert "is among the members" in str(await office.answer("luc@example.org"))


async def test_a_question_expires(office: Office) -> None:
    await office.say("/addmember")
    office.clock.advance(LIFE - timedelta(seconds=1))
    assert "not an e-mail address" in str(await office.answer("Luc"))
    office.clock.advance(LIFE)
    assert await office.answer("luc@example.org") is None


async def test_a_question_survives_a_restart(office: Office) -> None:
    await office.say("/addmember")
    office.dispatcher = Dispatcher(office.desk, Permissions(office.desk.stores))
    assert "is among the members" in str(await office.answer("luc@example.org"))


async def test_a_script_is_never_asked(two: Office) -> None:
    done = await two.do("/addmember adherents")
    assert not done.ok
    assert "WHO is missing. It is written: /addmember TARGET WHO" in done.text
    assert await two.answer("luc@example.org", ANNE, Place("local", "", private=True)) is None


async def test_who_may_not_do_it_is_not_asked(two: Office) -> None:
    await two.say("/bind adherents", PAUL, GROUP)
    for line in ("/addmember", "/set", "/addlist", "/set bureau"):
        assert "is for" in await two.say(line, STRANGER, GROUP)
        assert await two.answer("luc@example.org", STRANGER, GROUP) is None


async def test_rights_are_read_again_with_each_answer(two: Office) -> None:
    await two.do("/addadmin telegram:666")
    await two.say("/addmember adherents", STRANGER, GROUP)
    await two.do("/deladmin telegram:666")
    assert "is for owners" in str(await two.answer("luc@example.org", STRANGER, GROUP))
    assert await members(two, "adherents") == ["jean@example.org"]


async def test_a_rejection_asks_for_a_reason_in_own_words(office: Office) -> None:
    post = await office.hold()
    asked = await office.press(f"reason:{post.id}:0")
    assert "What shall the author be told?" in text_of(asked.screens[0])
    assert asked.instead
    assert not asked.instead.buttons
    assert "is rejected" in str(await office.answer("Merci de signer vos messages."))
    decided = await office.desk.stores.posts.get(post.id)
    assert (decided.state, decided.decision_reason) == (PostState.REJECTED, "Merci de signer vos messages.")


async def test_a_typed_reason_is_too_late_for_a_post_decided_meanwhile(office: Office) -> None:
    """Also for one that waits again: it is another decision."""
    post = await office.hold()
    await office.press(f"reason:{post.id}:0")
    await office.press(f"distribute:{post.id}:0", PAUL)
    assert "already distributed by Paul at 10:00" in str(await office.answer("Trop long."))
    await office.press(f"undo:{post.id}:1", PAUL)
    await office.press(f"reason:{post.id}:0")
    assert await office.answer("Trop long.") is None
    await office.press(f"reason:{post.id}:2")
    await office.press(f"discard:{post.id}:2", PAUL)
    await office.press(f"undo:{post.id}:3", PAUL)
    assert "earlier decision" in str(await office.answer("Trop long."))
    assert (await office.desk.stores.posts.get(post.id)).state is PostState.HELD


async def test_more_loses_its_buttons_once_one_is_used(office: Office) -> None:
    post = await office.hold()
    used = await office.press(f"reject:{post.id}:0:0")
    assert used.instead
    assert "is rejected" in text_of(used.instead)
    assert not used.instead.buttons
    late = await office.press(f"allow:{post.id}:0", PAUL)
    assert late.instead
    assert not late.instead.buttons
    on_the_card = await office.press(f"undo:{post.id}:1")
    assert on_the_card.instead is None


async def test_a_password_is_asked_for_in_private_and_goes_from_the_chat(office: Office) -> None:
    """In a group the way leads to the chat alone with the bot, with the list that was meant."""
    await office.add_list("bureau@amap.example")
    await office.say("/password", PAUL, GROUP)
    [offered] = (await office.dispatcher.said(Utterance(PAUL, GROUP, "bureau"))).screens  # type: ignore[union-attr]
    [[button]] = offered.buttons
    assert button.private
    assert not offered.asks
    assert await office.answer("s3cret", PAUL, GROUP) is None

    alone = Place("telegram", "42", private=True)
    asked = await office.press(button.data, PAUL, alone)
    assert "What is the password?" in text_of(asked.screens[0])
    assert await office.dispatcher.expects_secret(PAUL, alone)
    answer = await office.dispatcher.said(Utterance(PAUL, alone, "my s3cret word=x"))
    assert answer
    assert answer.secret
    assert not await office.dispatcher.expects_secret(PAUL, alone)
    assert "s3cret" not in text_of(answer.screens[0])
    [changed] = [each for each in await office.desk.stores.lists.all() if each.local_part == "bureau"]
    assert changed.settings.password.get_secret_value() == "my s3cret word=x"


@pytest.mark.parametrize("word", ["abc=def", "mail.example.org", "!Secret1", "/cancle", "4711", 'a "b" c'])
async def test_what_is_typed_where_a_password_is_asked_for_is_the_password(office: Office, word: str) -> None:
    """Only a command that there is ends the question."""
    alone = Place("telegram", "42", private=True)
    await office.screens("/password adherents", PAUL, alone)
    answer = await office.dispatcher.said(Utterance(PAUL, alone, word))
    assert answer
    assert answer.secret
    assert word not in text_of(answer.screens[0])
    [mlist] = await office.desk.stores.lists.all()
    assert mlist.settings.password.get_secret_value() == word
    await office.screens("/password adherents", PAUL, alone)
    [ended] = await office.screens("/cancel", PAUL, alone)
    assert "All right" in text_of(ended)


@pytest.mark.parametrize("at", ["telegram", "terminal"])
async def test_nothing_is_promised_that_cannot_be_done(office: Office, at: str) -> None:
    """A console has no message that could be deleted."""
    who = PAUL if at == "telegram" else Actor("local:anne", "Anne")
    [asked] = await office.screens("/password adherents", who, Place(at, "42", private=True))
    assert ("I delete your message" in text_of(asked)) == (at == "telegram")
    assert ("shown nowhere while you type" in text_of(asked)) == (at == "terminal")


@pytest.mark.parametrize("line", ["/password adherents s3cret", "/smtp_password s3cret", "/password nope s3"])
async def test_a_password_typed_behind_its_command_goes_from_the_chat(office: Office, line: str) -> None:
    """Even where it helps nothing."""
    answer = await office.dispatcher.said(Utterance(STRANGER, GROUP, line))
    assert answer
    assert answer.secret


async def test_a_list_without_a_password_says_where_to_give_it(office: Office) -> None:
    await office.do("/addadmin telegram:42")
    [screen] = await office.screens("/addlist bureau@amap.example host=127.0.0.1", PAUL, GROUP)
    assert "password is missing" in text_of(screen)
    assert [button.private for row in screen.buttons for button in row] == [True]
    [moved] = await office.screens("/set adherents host=127.0.0.9", PAUL, GROUP)
    assert "is forgotten" in text_of(moved)
    assert [button.label for row in moved.buttons for button in row] == ["🔑 Mailbox password"]
