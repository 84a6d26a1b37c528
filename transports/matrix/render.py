"""A screen as the content of a Matrix message: a readable plain body, and the same as HTML.

The HTML keeps to the tags of the specification (client-server API, m.room.message msgtypes) and is
sanitised once more before it leaves; the text of a mail never becomes markup. ``m.mentions`` is
empty, so nothing in it notifies anybody, and what old clients would make a mention of is broken up.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import nh3

from bot.core.chat import Line, Screen
from bot.core.text import N_
from transports.matrix.keyboard import Keys, keys_of

BODY_OCTETS = 9_000
HTML_OCTETS = 20_000
"""An event holds 65,536 octets; an edit carries the body twice, and encryption adds a third."""

FOLD_LINES = 12
FOLD_CHARACTERS = 900
"""A longer quotation shows its beginning, and the rest when it is unfolded."""

_TAGS = {"blockquote", "br", "code", "details", "p", "strong", "summary"}
_UNSEEN_BREAK = "\u2060"  # word joiner: no width, no line break
_PINGS = re.compile(
    r"(@)(room\b)|(matrix)(\.to\b)|(matrix:)(?=/|(?:u|user|r|room|roomid|group|e|event)/)", re.IGNORECASE
)
"""Mentions and links of old clients; an id such as ``matrix:@anne:example.org`` is none, and is copied."""
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Phrases:
    """The transport's own words, English here; the installation's language is passed in."""

    react: str = N_("React with one of these emoji:")
    more: str = N_("The rest")
    file_failed: str = N_("{name} could not be handed out: {reason}")
    erase: str = N_("Please delete your message: it holds a password, and I may not delete it here.")
    unreadable: str = N_(
        "I cannot decrypt what {name} wrote. Please send it again; if that does not help, log out and "
        "in again in your application."
    )


def message(screen: Screen, phrases: Phrases, *, notice: bool = False) -> dict[str, Any]:
    """The content of ``m.room.message``; `notice` = an answer, which clients show without a sound."""
    keys = keys_of(screen)
    texts = _texts(screen, keys, phrases)
    return {"msgtype": "m.notice" if notice else "m.text", "m.mentions": {}, **texts}


def edit(event_id: str, content: dict[str, Any]) -> dict[str, Any]:
    """The content that replaces `event_id` by `content` (``m.replace``)."""
    return {
        "msgtype": content["msgtype"],
        "m.mentions": {},
        "body": f"* {content['body']}",
        "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


def harmless(text: str) -> str:
    """Text without what cannot be sent, mentions nobody and links into no Matrix room."""
    return _PINGS.sub(_broken_up, _UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")))


def _broken_up(match: re.Match[str]) -> str:
    first, *rest = (part for part in match.groups() if part)
    return first + _UNSEEN_BREAK + "".join(rest)


def _texts(screen: Screen, keys: Keys, phrases: Phrases) -> dict[str, str]:
    """`body`, and `formatted_body` where there is anything to format."""
    body = cut("\n".join(_body_lines(screen, keys, phrases)), BODY_OCTETS)
    if not _is_formatted(screen):
        return {"body": body}
    markup = nh3.clean(_html(screen, keys, phrases), tags=_TAGS, attributes={})
    if len(markup.encode()) > HTML_OCTETS:
        return {"body": body}
    return {"body": body, "format": "org.matrix.custom.html", "formatted_body": markup}


def _body_lines(screen: Screen, keys: Keys, phrases: Phrases) -> list[str]:
    lines = [_plain(each) for each in screen.lines]
    if screen.quote:
        lines += [f"> {each}".rstrip() for each in harmless(screen.quote).split("\n")]
    lines += [_plain(each) for each in screen.below]
    return [*lines, *_legend(keys, phrases)]


def _legend(keys: Keys, phrases: Phrases) -> list[str]:
    pressed = " · ".join(f"{emoji} {words}".strip() for emoji, words in keys.legend if emoji)
    lines = [harmless(f"{phrases.react} {pressed}")] if pressed else []
    return lines + [harmless(words) for emoji, words in keys.legend if not emoji]


def _plain(line: Line) -> str:
    return harmless("".join(span.text for span in line))


def _is_formatted(screen: Screen) -> bool:
    spans = [span for line in (*screen.lines, *screen.below) for span in line]
    return bool(screen.quote) or any(span.strong or span.code for span in spans)


def _html(screen: Screen, keys: Keys, phrases: Phrases) -> str:
    parts = [_paragraph([_marked(each) for each in screen.lines])]
    if screen.quote:
        parts.append(_quotation(harmless(screen.quote), phrases))
    parts.append(_paragraph([_marked(each) for each in screen.below]))
    parts.append(_paragraph([_escaped(each) for each in _legend(keys, phrases)]))
    return "".join(parts)


def _paragraph(lines: list[str]) -> str:
    return f"<p>{'<br>'.join(lines)}</p>" if lines else ""


def _marked(line: Line) -> str:
    done = []
    for span in line:
        text = _escaped(harmless(span.text))
        text = f"<code>{text}</code>" if span.code and text else text
        done.append(f"<strong>{text}</strong>" if span.strong and text else text)
    return "".join(done)


def _quotation(text: str, phrases: Phrases) -> str:
    seen, rest = _folded(text)
    shown = f"<blockquote>{_escaped(seen)}</blockquote>"
    if not rest:
        return shown
    summary = f"<summary>{_escaped(phrases.more)}</summary>"
    return f"{shown}<details>{summary}<blockquote>{_escaped(rest)}</blockquote></details>"


def _folded(text: str) -> tuple[str, str]:
    """The beginning, and what is to be unfolded; cut between lines where there are any."""
    lines = text.split("\n")
    if len(lines) <= FOLD_LINES and len(text) <= FOLD_CHARACTERS:
        return text, ""
    seen = "\n".join(lines[:FOLD_LINES])
    if len(seen) > FOLD_CHARACTERS:
        seen = seen[: seen.rfind("\n", 0, FOLD_CHARACTERS)] if "\n" in seen[:FOLD_CHARACTERS] else ""
        seen = seen or text[:FOLD_CHARACTERS]
    return seen, text[len(seen) :].lstrip("\n")


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")


def cut(text: str, octets: int) -> str:
    """At most so many octets of UTF-8, with an ellipsis where something is missing."""
    raw = text.encode()
    if len(raw) <= octets:
        return text
    return raw[: octets - 3].decode("utf-8", "ignore") + "…"
