"""What somebody typed, as the command line that it was meant to be. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_COMMAND_SIGNS = ("!", "/")


def said(body: str, content: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The words without what clients put before them.

    Args:
        body: of the event.
        content: of the event; tells whether it is a reply, whose body quotes what it replies to.
        names: how the bot is called: display name, local part, full id. With one of them in front
            the rest is a command.
    """
    text = without_fallback(body) if "m.in_reply_to" in _relation(content) else body
    text = text.strip()
    rest = _after_name(text, names)
    if rest is None:
        return text
    return rest if rest.startswith(_COMMAND_SIGNS) else f"!{rest}"


def without_fallback(body: str) -> str:
    """Without the quoted lines at the top (client-server API, "Fallbacks for rich replies")."""
    lines = body.split("\n")
    first = 0
    while first < len(lines) and lines[first].startswith(">"):
        first += 1
    if first and first < len(lines) and not lines[first].strip():
        first += 1
    return "\n".join(lines[first:])


def thread_of(content: Mapping[str, Any]) -> str:
    """The event that the thread begins with in which something was said; empty outside of threads."""
    relation = _relation(content)
    return _id_of(relation) if relation.get("rel_type") == "m.thread" else ""


def is_edit(content: Mapping[str, Any]) -> bool:
    """Whether it replaces an earlier message: what was said there has been answered already."""
    return _relation(content).get("rel_type") == "m.replace"


def replied_to(content: Mapping[str, Any]) -> str:
    """The event that it replies to; empty if it is no reply."""
    return _id_of(mapping(_relation(content).get("m.in_reply_to")))


def mapping(value: object) -> Mapping[str, Any]:
    """A part of what others wrote, which may be anything, where it is to have parts itself."""
    return value if isinstance(value, Mapping) else {}


def _relation(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(content.get("m.relates_to"))


def _id_of(reference: Mapping[str, Any]) -> str:
    event_id = reference.get("event_id")
    return event_id if isinstance(event_id, str) else ""


def _after_name(text: str, names: tuple[str, ...]) -> str | None:
    for name in sorted(filter(None, names), key=len, reverse=True):
        match = re.match(rf"@?{re.escape(name)}(?:[:,]\s*|\s+)(?=\S)", text, re.IGNORECASE)
        if match:
            return text[match.end() :]
    return None
