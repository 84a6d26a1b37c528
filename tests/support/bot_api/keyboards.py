"""Keyboards: what `reply_markup` may hold, and the buttons that people see.

Rules: core.telegram.org/bots/api#inlinekeyboardmarkup, #inlinekeyboardbutton (exactly one kind of action,
`callback_data` of 1 to 64 bytes, `style` since Bot API 9.4) and #forcereply; words of
`Client::get_reply_markup` (Client.cpp) and of the MTProto errors BUTTON_DATA_INVALID and
REPLY_MARKUP_TOO_LONG that it passes on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.bot_api.html import checked_link
from tests.support.bot_api.refusals import Refusal, bad_request

DATA_LIMIT_OCTETS = 64
BUTTON_LIMIT = 100
STYLES = {"", "primary", "success", "danger"}
_ACTIONS = {"url", "callback_data", "switch_inline_query", "switch_inline_query_current_chat", "copy_text"}


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message: `data` comes back when it is tapped, `url` is opened."""

    text: str
    data: str = ""
    url: str = ""
    style: str = ""


Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Markup:
    """What a `reply_markup` asks for; `given` is its JSON, empty if there is none."""

    given: str = ""
    buttons: Rows = ()
    force_reply: bool = False


def read_markup(source: str) -> Markup:
    """The `reply_markup` of a request.

    Raises:
        Refusal: 400, as the real server words it.
    """
    if not source:
        return Markup()
    try:
        markup = json.loads(source)
        source.encode()
        json.dumps(markup, ensure_ascii=False).encode()  # an escaped half of a surrogate pair
    except ValueError:
        raise bad_request("can't parse reply keyboard markup JSON object") from None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _rows(markup["inline_keyboard"])
        given = json.dumps(markup["inline_keyboard"], sort_keys=True) if rows else ""
        return Markup(given, rows)
    if not isinstance(markup.get("force_reply", True), bool):
        raise bad_request('field "force_reply" must be of type Boolean')
    if markup.get("force_reply"):
        return Markup(json.dumps(markup, sort_keys=True), force_reply=True)
    if "keyboard" in markup or "remove_keyboard" in markup:
        return Markup(json.dumps(markup, sort_keys=True))
    return Markup()


def _rows(keyboard: Any) -> Rows:
    if not isinstance(keyboard, list):
        raise bad_request('field "inline_keyboard" must be of type Array')
    if not all(isinstance(row, list) for row in keyboard):
        raise bad_request("inline keyboard row must be an array")
    rows = tuple(tuple(_button(button) for button in row) for row in keyboard if row)
    if sum(map(len, rows)) > BUTTON_LIMIT:
        raise bad_request("reply markup is too long")
    return rows


def _button(given: Any) -> Button:
    if not isinstance(given, dict):
        raise _wrong("InlineKeyboardButton must be an Object")
    if not isinstance(given.get("text"), str):
        raise _wrong('Can\'t find field "text"')
    if not given["text"].strip():
        raise _wrong("Button text must be non-empty")
    _check_action(given)
    data, url, style = given.get("callback_data", ""), given.get("url", ""), given.get("style", "")
    if len(data.encode()) > DATA_LIMIT_OCTETS:
        raise bad_request("BUTTON_DATA_INVALID")
    if url and not checked_link(url):
        why = "Unsupported URL protocol" if "://" in url else "Wrong HTTP URL"
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: {why}")
    if style not in STYLES:
        raise _wrong("Invalid button style specified")
    return Button(given["text"], data, url, style)


def _check_action(given: dict[str, Any]) -> None:
    # An empty callback_data or URL counts as none.
    actions = {name for name in _ACTIONS & given.keys() if given[name] or "switch" in name}
    if not actions:
        raise _wrong("Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise _wrong("Exactly one of the optional fields must be used")


def _wrong(why: str) -> Refusal:
    return bad_request(f"can't parse inline keyboard button: {why}")
