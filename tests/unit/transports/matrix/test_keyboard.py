"""Which emoji presses which button."""

from __future__ import annotations

import pytest

from bot.core.chat import Button, Screen
from transports.matrix.keyboard import keys_of, leading_emoji, missing, plain


def a_screen(*rows: tuple[Button, ...]) -> Screen:
    return Screen((), buttons=rows)


@pytest.mark.parametrize(
    ("label", "emoji"),
    [
        ("✅ Distribute", "✅"),
        ("↩️ Undo", "↩️"),
        ("⏹ Stop", "⏹"),
        ("1️⃣ #12", "1️⃣"),
        ("⬅️", "⬅️"),
        ("👁️ Read", "👁️"),
        ("Next ▶", ""),
        ("12 posts", ""),
        ("", ""),
    ],
)
def test_a_label_may_begin_with_an_emoji(label: str, emoji: str) -> None:
    assert leading_emoji(label) == emoji


def test_a_card_is_pressed_by_the_emoji_of_its_labels() -> None:
    keys = keys_of(
        a_screen(
            (Button("✅ Distribute", "distribute:1:0"), Button("↩️ Undo", "undo:1:0")),
            (Button("👁 Read", "read:1:0"), Button("➕ More", "more:1:0")),
        )
    )

    assert keys.data == {"✅": "distribute:1:0", "↩": "undo:1:0", "👁": "read:1:0", "➕": "more:1:0"}
    assert keys.shown == ("✅", "↩️")
    assert keys.legend[-1] == ("➕", "More")


def test_an_emoji_of_several_buttons_presses_none_of_them() -> None:
    """On a page of held posts ✅ stands once for each: which one would it be?"""
    row = [(Button(f"{n}️⃣ #{n}", f"open:{n}"), Button("✅", f"distribute:{n}:0")) for n in (1, 2)]
    keys = keys_of(a_screen(*row))

    assert keys.data == {"1⃣": "open:1", "2⃣": "open:2"}


def test_a_button_without_an_emoji_gets_a_number() -> None:
    keys = keys_of(a_screen((Button("Too long", "reject:1:0:0"),), (Button("1️⃣ #12", "open:12"),)))

    assert keys.data == {"2⃣": "reject:1:0:0", "1⃣": "open:12"}
    assert keys.legend[0] == ("2️⃣", "Too long")


def test_choices_of_one_emoji_get_numbers() -> None:
    keys = keys_of(
        a_screen((Button("❌ Too long", "reject:1:0:0"),), (Button("❌ Off topic", "reject:1:0:1"),))
    )

    assert keys.data == {"1⃣": "reject:1:0:0", "2⃣": "reject:1:0:1"}
    assert keys.legend == (("1️⃣", "Too long"), ("2️⃣", "Off topic"))


def test_what_no_reaction_can_press_is_named_with_the_line_to_type() -> None:
    many = tuple(Button(f"Page {n}", f"/archives after={n}") for n in range(10))
    private = Button("✅ Alone with me", "/start", private=True)
    keys = keys_of(a_screen(many, (private,)))

    assert keys.legend[-2:] == (("", "Page 9: !archives after=9"), ("", "✅ Alone with me: !start"))
    assert "/start" not in keys.data.values()


def test_variation_selectors_make_no_difference() -> None:
    assert plain("↩️") == plain("↩") == "↩"
    assert missing(("↩️", "✅"), {"↩": "$event"}) == ["✅"]
