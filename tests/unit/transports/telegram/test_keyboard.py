from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.chat import Button, Screen, Tone
from transports.telegram.keyboard import Links, keyboard

LINKS = Links("facteur_bot", b"secret")


def screen(*rows: tuple[Button, ...]) -> Screen:
    return Screen(lines=(), buttons=rows)


def test_buttons_keep_their_emoji_and_get_their_colour() -> None:
    made = keyboard(
        screen(
            (
                Button("✅ Distribute", "distribute:1:0", Tone.SUCCESS),
                Button("❌ Reject", "r:1:0", Tone.DANGER),
            ),
            (Button("👁 Read", "read:1:0"),),
        ),
        links=LINKS,
        private=False,
    )

    assert made
    shown = [[button.to_dict() for button in row] for row in made.inline_keyboard]
    assert shown == [
        [
            {"text": "✅ Distribute", "callback_data": "distribute:1:0", "style": "success"},
            {"text": "❌ Reject", "callback_data": "r:1:0", "style": "danger"},
        ],
        [{"text": "👁 Read", "callback_data": "read:1:0"}],
    ]


def test_a_screen_without_buttons_has_no_keyboard() -> None:
    assert keyboard(screen(()), links=LINKS, private=False) is None


def test_a_private_button_leads_from_a_group_to_the_chat_with_the_bot() -> None:
    button = Button("🔑 Password", "/password adherents", private=True)

    in_group = keyboard(screen((button,)), links=LINKS, private=False)
    alone = keyboard(screen((button,)), links=LINKS, private=True)

    assert in_group
    assert alone
    assert alone.inline_keyboard[0][0].callback_data == "/password adherents"
    link = re.fullmatch(
        r"https://t\.me/facteur_bot\?start=([\w-]{1,64})", in_group.inline_keyboard[0][0].url or ""
    )
    assert link
    assert LINKS.pressed_by(link[1]) == "/password adherents"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=38))
def test_the_data_of_a_private_button_survives_the_link(data: str) -> None:
    token = (LINKS.to(data) or "").partition("=")[2]

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", token)
    assert LINKS.pressed_by(token) == data


@pytest.mark.parametrize(
    "token",
    ["", "hello", "p-", "p-é", "p-AAAA", "p-!!", "p-" + "A" * 200, "p-L2FkZGFkbWluIHRlbGVncmFtOjY2Ng"],
)
def test_invented_tokens_press_nothing(token: str) -> None:
    assert LINKS.pressed_by(token) is None


def test_a_link_that_another_bot_has_sealed_presses_nothing() -> None:
    link = Links("facteur_bot", b"another").to("/addadmin telegram:666")

    assert link
    assert LINKS.pressed_by(link.partition("=")[2]) is None
