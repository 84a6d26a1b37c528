"""A list as its own control panel: buttons for every setting, the same by text, defaults for all."""

from __future__ import annotations

import pytest

from bot.core.addresses import Address, Mailbox
from bot.core.chat import PRESS_LIMIT_OCTETS, Place, Screen, Utterance
from bot.core.people import Actor, Role
from bot.core.settings import SECRETS, ListSettings
from bot.core.telling import choices_of, told, value_in_words
from tests.support.office import PAUL, STRANGER, Office, buttons_of, text_of
from tests.support.stores import SQLITE

pytestmark = SQLITE

PRIVATE = Place("telegram", "42", private=True)
OWNER = Actor("telegram:9", "Ines")
OWNERS = Place("telegram", "9", private=True)


async def press(office: Office, data: str, speaker: Actor = PAUL, place: Place = PRIVATE) -> Screen:
    """What stands in the place of the screen whose button was pressed."""
    answer = await office.press(data, speaker, place)
    assert answer.instead, answer.text
    return answer.instead


async def owner(office: Office) -> None:
    address = Address("ines@example.org")
    await office.desk.stores.people.grant(office.mlist, Role.OWNER, Mailbox("Ines", address))
    await office.desk.stores.admins.link(OWNER.id, address)


async def settings(office: Office) -> ListSettings:
    return (await office.desk.stores.lists.get(office.mlist.id)).settings


async def test_every_setting_has_a_button_that_leads_to_it(office: Office) -> None:
    [first] = await office.screens("/list adherents", PAUL, PRIVATE)
    sections = [data for data in buttons_of(first) if "section=" in data]
    pressed = [data for each in sections for data in buttons_of(await press(office, each))]
    found = {data.split()[2] for data in pressed if data.startswith("/setting")}
    found |= {data.split()[0].removeprefix("/") for data in pressed} & SECRETS
    assert found == set(ListSettings.model_fields)
    assert all(len(data.encode()) <= PRESS_LIMIT_OCTETS for data in pressed)


async def test_settings_leads_to_the_panel(office: Office) -> None:
    """Telegram asks every bot to know it, beside /start and /help (core.telegram.org/bots/features)."""
    assert await office.screens("/settings", PAUL, PRIVATE) == await office.screens("/list", PAUL, PRIVATE)
    assert "is for moderators" in await office.say("/settings", STRANGER, PRIVATE)


async def test_a_switch_is_turned_in_its_place(office: Office) -> None:
    notices = await press(office, "/list list:1 section=notices")
    assert "Tell authors that their post waits: yes" in text_of(notices)
    assert "/setting list:1 notify_held no" in buttons_of(notices)
    turned = await press(office, "/setting list:1 notify_held no")
    assert "/setting list:1 notify_held yes" in buttons_of(turned)
    assert "Tell authors that their post waits: no" in text_of(turned)
    assert not (await settings(office)).notify_held
    again = await press(office, "/setting list:1 notify_held no")  # on an old screen: says the same
    assert text_of(again) == text_of(turned)


@pytest.mark.parametrize("key", [key for key in ListSettings.model_fields if choices_of(key)])
async def test_a_choice_shows_what_there_is_and_each_can_be_had(office: Office, key: str) -> None:
    shown = await press(office, f"/setting list:1 {key}")
    for value in choices_of(key):
        assert f"/setting list:1 {key} {value}" in buttons_of(shown)
    chosen = choices_of(key)[-1]
    saved = await press(office, f"/setting list:1 {key} {chosen}")
    assert f"✅ {told(await settings(office), key)}" in text_of(saved)
    assert f"✔ {value_in_words(key, chosen)}" in [
        button.label for row in (await press(office, f"/setting list:1 {key}")).buttons for button in row
    ]


async def test_other_values_are_asked_for_until_they_make_sense(office: Office) -> None:
    answer = await office.press("/setting list:1 max_size", PAUL, PRIVATE)
    [asked] = answer.screens
    assert "Larger posts wait for a moderator: no limit" in text_of(asked)
    assert "a size such as 500kB" in text_of(asked)
    assert "max_size must be: a size such as" in str(await office.answer("big", PAUL, PRIVATE))
    assert "Largest size: 10 MB (max_size=10MB)" in str(await office.answer("10 MB", PAUL, PRIVATE))
    assert (await settings(office)).max_size == 10_000_000
    assert await office.answer("11 MB", PAUL, PRIVATE) is None


async def test_what_counts_for_every_list_is_shown_as_such_and_can_be_gone_back_to(office: Office) -> None:
    assert (await office.do("/set all remind_h=5 undo_s=7")).ok
    await office.do("/set adherents undo_s=9")
    decisions = text_of(await press(office, "/list list:1 section=decisions"))
    assert "Reminder: after 5 hours (as for every list)" in decisions
    assert "Time to undo: 9 seconds\n" in decisions
    [row] = (await office.do("/list adherents")).rows
    assert (row["from"]["remind_h"], row["from"]["undo_s"], row["from"]["max_size"]) == (
        "all",
        "own",
        "shipped",
    )
    assert "undo_s=7" in (await office.do("/set adherents undo_s=default")).text
    assert (await office.do("/list")).rows[0]["from"]["undo_s"] == "all"
    assert "remind_h=5" in (await office.do("/list all")).text
    assert "remind_h=12" in (await office.do("/set all remind_h=default")).text


async def test_going_back_to_another_host_forgets_the_password(office: Office) -> None:
    said = (await office.do("/set adherents host=default")).text
    assert "Mailbox password: the stored one" in said
    assert (await settings(office)).password.get_secret_value() == ""


async def test_an_owner_sees_accounts_and_changes_none(office: Office) -> None:
    await owner(office)
    mailbox = await press(office, "/list list:1 section=mailbox", OWNER, OWNERS)
    assert [data.split()[2] for data in buttons_of(mailbox) if "/setting" in data] == [
        "auth_host",
        "after_intake",
        "first_poll",
    ]
    assert "s3cret-word" not in text_of(mailbox)
    refused = await office.press("/setting list:1 host", OWNER, OWNERS)
    assert "is for administrators" in text_of(refused.screens[0])
    for line in ("/list all", "/setting all moderation open", "/setting list:1 port 25"):
        assert "is for administrators" in await office.say(line, OWNER, OWNERS), line
    assert "moderation=open" in await office.say("/setting adherents moderation open", OWNER, OWNERS)


async def test_a_moderator_of_the_room_gets_no_buttons(office: Office) -> None:
    group = Place("telegram", "-1")
    await office.say("/bind adherents", PAUL, group)
    posts = await press(office, "/list list:1 section=posts", OWNER, group)
    assert buttons_of(posts) == ["/list list:1"]


async def test_many_members_without_an_account_of_their_own_are_pointed_out(office: Office) -> None:
    people = office.desk.stores.people
    for number in range(25):
        who = Mailbox("", Address(f"{number}@example.org"))
        await people.grant(office.mlist, Role.MEMBER, who)
    assert "to 26 addresses by the common outgoing account" in await office.say("/list", PAUL, PRIVATE)
    await office.do("/set adherents smtp_host=127.0.0.1")
    assert "common outgoing account" not in await office.say("/list", PAUL, PRIVATE)


async def test_a_script_gets_a_setting_without_being_asked(office: Office) -> None:
    done = await office.do("/setting adherents max_size")
    assert done.ok
    assert done.rows[0]["max_size"] == "0"
    assert not (await office.do("/setting adherents max_size big")).ok


@pytest.mark.parametrize("key", sorted(SECRETS))
async def test_a_password_is_no_setting_like_others(office: Office, key: str) -> None:
    """Typed in a room it goes from there and is not echoed; it is asked for in private alone."""
    room = Place("telegram", "-1")
    for line in (f"/setting adherents {key} s3cret", f"/setting adherents {key[:-1]} s3cret"):
        answer = await office.dispatcher.said(Utterance(PAUL, room, line))
        assert answer
        assert answer.secret is (key in line)
        assert "s3cret" not in str(answer.screens)
    [screen] = await office.screens(f"/setting adherents {key}", PAUL, room)
    assert [button.private for row in screen.buttons for button in row if key in button.data] == [True]
    assert await office.dispatcher.said(Utterance(PAUL, room, "s3cret")) is None
