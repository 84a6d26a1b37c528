"""Words of strangers made fit for a room: nothing invisible, nothing that turns text around, not too long."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bot.core.deliveries import Obstacle
from bot.core.text import BLANK_LETTERS, Text, unseen, verbatim

PREVIEW_LINES = 15
PREVIEW_CHARACTERS = 1_000
_FOLDED_CHARACTERS = 2_000
"""How much text is searched for quotations: the expressions of mail-parser-reply are not linear."""

_MARKS_IN_A_ROW = 3
_REPLY_LIMIT = 200
_OWN_WORDS = frozenset(Obstacle)
_BLANK_LINES = re.compile(r"\n\s*\n")
_QUOTED_LINES = re.compile(r"^>.*(?:\n>.*)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a mail's text; `folded` = there is more in the mail than this."""

    text: str
    folded: bool


def harmless(text: str) -> str:
    """Without control, format and unassigned characters, and with at most three marks on a letter.

    Direction overrides and zero-width characters (Unicode category Cf) make a name or a file look
    like another; line and paragraph separators become line ends.
    """
    shown: list[str] = []
    marks = 0
    for character in text.replace("\r\n", "\n").replace("\r", "\n"):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if character in "\n\t":
            shown.append(character)
        elif category in {"Zl", "Zp"}:
            shown.append("\n")
        elif not unseen(character) and marks <= _MARKS_IN_A_ROW and character not in BLANK_LETTERS:
            shown.append(character)
    return "".join(shown)


def one_line(text: str, limit: int) -> str:
    """Harmless, blanks and line ends joined, at most `limit` characters."""
    return cut(" ".join(harmless(text).split()), limit)


def server_words(reply: str) -> Text:
    """What ended a delivery: facteur's own words in the reader's language, a server's as they came."""
    return Text(reply) if reply in _OWN_WORDS else verbatim(one_line(reply, _REPLY_LIMIT))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis if something is gone."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def preview(text: str) -> Preview:
    """What the author wrote, without quotations and signature; at most 15 lines and 1000 characters."""
    whole = _BLANK_LINES.sub("\n\n", harmless(text)).strip()
    written = _written(whole[:_FOLDED_CHARACTERS])
    lines = written.split("\n")
    shown = cut("\n".join(lines[:PREVIEW_LINES]), PREVIEW_CHARACTERS)
    if len(lines) > PREVIEW_LINES and not shown.endswith("…"):
        shown += "\n…"
    return Preview(shown, folded=shown != whole)


def _written(text: str) -> str:
    """The newest reply in a mail; all of it where nothing would be left."""
    from mailparser_reply.parser import EmailMessage

    replies = EmailMessage(text=text, languages=["fr"], keep_hyphen_lists=True).read().replies
    newest = (replies[0].body or "").strip() if replies else ""
    return _QUOTED_LINES.sub("> …", newest or text).strip()
