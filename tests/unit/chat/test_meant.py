"""Slips: what was probably meant is named, and a tap away."""

from __future__ import annotations

import pytest

from bot.core.chat import Place
from bot.core.people import Actor
from tests.support.office import PAUL, Office, buttons_of, text_of
from tests.support.stores import SQLITE

pytestmark = SQLITE

PRIVATE = Place("telegram", "42", private=True)
GROUP = Place("telegram", "-1")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/pendign", "/pending"),
        ("/distribut 12", "/distribute 12"),
        ("/list adherent", "/list adherents"),
        ("/set adherents moderaton=all", "/set adherents moderation=all"),
        ("/set adherents moderation=non_member", "/set adherents moderation=non_members"),
        ("/set adherents reply_to=liste undo_s=5", "/set adherents reply_to=list undo_s=5"),
        ("/setting adherents remind", "/setting adherents remind_h"),
        ("/setting adherents moderation non-members", "/setting adherents moderation non_members"),
    ],
)
async def test_what_was_meant_is_a_tap_away(office: Office, typed: str, meant: str) -> None:
    [screen] = await office.screens(typed, PAUL, PRIVATE)
    assert "Did you mean" in text_of(screen) or "did you mean" in text_of(screen)
    assert buttons_of(screen) == [meant]
    done = await office.do(typed)
    assert not done.ok
    assert "id you mean" in done.text


async def test_the_tap_does_it_and_nothing_else_does(office: Office) -> None:
    [screen] = await office.screens("/set adherents moderaton=all", PAUL, PRIVATE)
    stored = office.desk.stores.lists
    assert (await stored.get(office.mlist.id)).settings.moderation == "non_members"
    [data] = buttons_of(screen)
    await office.press(data, PAUL, PRIVATE)
    assert (await stored.get(office.mlist.id)).settings.moderation == "all"


@pytest.mark.parametrize(
    "typed",
    [
        "/set adherents pasword=s3cret",
        "/set adherents moderaton=all password=s3cret",
        "/passwrd adherents s3cret",
        "/set adherents moderaton=all moderation=alll",
        "/set adherents moderaton=all description=" + "x" * 60,
        "/frobnicate",
    ],
)
async def test_no_button_carries_a_secret_too_much_or_a_guess(office: Office, typed: str) -> None:
    for screen in await office.screens(typed, PAUL, PRIVATE):
        assert buttons_of(screen) == []


async def test_nobody_is_told_of_lists_that_are_nothing_to_them(office: Office) -> None:
    await office.say("/bind adherents", PAUL, GROUP)
    await office.add_list("bureau@amap.example")
    stranger = Actor("telegram:9", "Mallory")
    assert "bureau" not in (await office.say("/list burea", stranger, GROUP)).replace("burea”", "")
    [screen] = await office.screens("/list adherent", stranger, GROUP)
    [data] = buttons_of(screen)
    assert "adherents@amap.example" in text_of((await office.press(data, stranger, GROUP)).instead)  # type: ignore[arg-type]
