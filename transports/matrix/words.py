"""What somebody typed, as the command line that it was meant to be. Pure."""

from __future__ import annotations

import re
from typing import Any

_COMMAND_SIGNS = ("!", "/")


def said(body: str, content: dict[str, Any], names: tuple[str, ...]) -> str:
    """The words without what clients put before them.

    Args:
        body: of the event.
        content: of the event; tells whether it is a reply, whose body quotes what it replies to.
        names: how the bot is called: display name, local part, full id. With one of them in front
            the rest is a command.
    """
    text = without_fallback(body) if _is_reply(content) else body
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


def thread_of(content: dict[str, Any]) -> str:
    """The event that the thread begins with in which something was said; empty outside of threads."""
    relation = content.get("m.relates_to")
    if isinstance(relation, dict) and relation.get("rel_type") == "m.thread":
        root = relation.get("event_id")
        return root if isinstance(root, str) else ""
    return ""


def is_edit(content: dict[str, Any]) -> bool:
    """Whether it replaces an earlier message: what was said there has been answered already."""
    relation = content.get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace"


def replied_to(content: dict[str, Any]) -> str:
    """The event that it replies to; empty if it is no reply."""
    relation = content.get("m.relates_to")
    reply = relation.get("m.in_reply_to") if isinstance(relation, dict) else None
    event_id = reply.get("event_id") if isinstance(reply, dict) else None
    return event_id if isinstance(event_id, str) else ""


def _is_reply(content: dict[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    return isinstance(relation, dict) and "m.in_reply_to" in relation


def _after_name(text: str, names: tuple[str, ...]) -> str | None:
    for name in sorted(filter(None, names), key=len, reverse=True):
        match = re.match(rf"@?{re.escape(name)}(?:[:,]\s*|\s+)(?=\S)", text, re.IGNORECASE)
        if match:
            return text[match.end() :]
    return None
