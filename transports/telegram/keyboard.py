"""Buttons of a screen as Telegram's keyboards, and links from groups to the chat with the bot. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from bot.core.chat import PRESS_LIMIT_OCTETS, Button, Screen, Tone
from transports.telegram.render import clean, cut

Markup = InlineKeyboardMarkup | ForceReply

_STYLES = {Tone.SUCCESS: "success", Tone.DANGER: "danger"}
_LABEL_LIMIT = 64
_BUTTONS_A_MESSAGE = 100
_DATA = re.compile(rb"[\x20-\x7e]{1,38}")
_SEAL_OCTETS = 8
_PRESSED_THERE = "p-"


@dataclass(frozen=True, slots=True)
class Links:
    """Links from groups to the chat with the bot, which press a button there (Bot API, Deep Linking).

    Anybody can write a link and have somebody with more rights follow it, so each is sealed: what was
    not shown by this bot presses nothing.
    """

    bot: str
    secret: bytes = field(repr=False)

    def to(self, data: str) -> str | None:
        """The link; None where the data has no room in its 64 characters of ``A-Za-z0-9_-``."""
        pressed = data.encode()
        if not self.bot or not _DATA.fullmatch(pressed):
            return None
        token = base64.urlsafe_b64encode(self._seal(pressed) + pressed).decode().rstrip("=")
        return f"https://t.me/{self.bot}?start={_PRESSED_THERE}{token}"

    def pressed_by(self, token: str) -> str | None:
        """The data of the button that led here; None for any other token."""
        if not token.startswith(_PRESSED_THERE):
            return None
        coded = token.removeprefix(_PRESSED_THERE)
        try:
            octets = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        seal, pressed = octets[:_SEAL_OCTETS], octets[_SEAL_OCTETS:]
        if not _DATA.fullmatch(pressed) or not hmac.compare_digest(seal, self._seal(pressed)):
            return None
        return pressed.decode("ascii")

    def _seal(self, pressed: bytes) -> bytes:
        return hmac.digest(self.secret, pressed, "sha256")[:_SEAL_OCTETS]


def keyboard(screen: Screen, *, links: Links, private: bool) -> InlineKeyboardMarkup | None:
    """The screen's buttons.

    Args:
        screen: what is shown.
        links: for buttons that lead to a chat alone with the bot.
        private: it is shown in such a chat already.
    """
    rows = [[_button(button, links, private=private) for button in row] for row in screen.buttons if row]
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


def _button(button: Button, links: Links, *, private: bool) -> InlineKeyboardButton:
    label = cut(" ".join(clean(button.label).split()), _LABEL_LIMIT) or "…"
    style = _STYLES.get(button.tone)
    link = links.to(button.data) if button.private and not private else None
    if link:
        return InlineKeyboardButton(label, url=link, style=style)
    if len(button.data.encode()) > PRESS_LIMIT_OCTETS:
        raise ValueError(button.data)
    return InlineKeyboardButton(label, callback_data=button.data, style=style)
