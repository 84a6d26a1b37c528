"""Buttons of a screen as Telegram's keyboards, and links from groups to the chat with the bot. Pure."""

from __future__ import annotations

import base64
import binascii
import re

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from bot.core.chat import PRESS_LIMIT_OCTETS, Button, Screen, Tone
from transports.telegram.render import clean, cut

Markup = InlineKeyboardMarkup | ForceReply

_STYLES = {Tone.SUCCESS: "success", Tone.DANGER: "danger"}
_LABEL_LIMIT = 64
_BUTTONS_A_MESSAGE = 100
_DATA = re.compile(r"[\x20-\x7e]{1,46}")
_PRESSED_THERE = "p-"


def keyboard(screen: Screen, *, bot: str, private: bool) -> InlineKeyboardMarkup | None:
    """The screen's buttons.

    Args:
        screen: what is shown.
        bot: the bot's user name, for buttons that lead to a chat alone with it.
        private: it is shown in such a chat already.
    """
    rows = [[_button(button, bot, private=private) for button in row] for row in screen.buttons if row]
    count = 0
    shown = []
    for row in rows:
        count += len(row)
        if count <= _BUTTONS_A_MESSAGE:
            shown.append(row)
    return InlineKeyboardMarkup(shown) if shown else None


def answered_by_words(hint: str = "") -> ForceReply:
    """Have the client of whoever is asked open a reply; nobody else's (`selective`)."""
    return ForceReply(selective=True, input_field_placeholder=cut(clean(hint), _LABEL_LIMIT) or None)


def start_token(data: str) -> str | None:
    """What stands behind ``?start=`` for a button: at most 64 of ``A-Za-z0-9_-`` (Bot API, Deep Linking).

    None where the data has no room in it.
    """
    if not _DATA.fullmatch(data):
        return None
    return _PRESSED_THERE + base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")


def pressed_by(token: str) -> str | None:
    """The data of the button that led here; None for any other token."""
    if not token.startswith(_PRESSED_THERE):
        return None
    coded = token.removeprefix(_PRESSED_THERE)
    try:
        data = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True).decode(
            "ascii"
        )
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return data if _DATA.fullmatch(data) else None


def _button(button: Button, bot: str, *, private: bool) -> InlineKeyboardButton:
    label = cut(" ".join(clean(button.label).split()), _LABEL_LIMIT) or "…"
    style = _STYLES.get(button.tone)
    token = start_token(button.data) if button.private and not private else None
    if token and bot:
        return InlineKeyboardButton(label, url=f"https://t.me/{bot}?start={token}", style=style)
    if len(button.data.encode()) > PRESS_LIMIT_OCTETS:
        raise ValueError(button.data)
    return InlineKeyboardButton(label, callback_data=button.data, style=style)
