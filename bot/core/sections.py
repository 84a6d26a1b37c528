"""The sections of a list's settings, in which people look for them."""

from __future__ import annotations

from bot.core.settings import ListSettings
from bot.core.text import N_
from bot.core.worded import Worded


class Section(Worded):
    """What a setting is about, for people who look for it."""

    GENERAL = "general", N_("The list")
    POSTS = "posts", N_("Posts")
    COPIES = "copies", N_("Copies")
    DECISIONS = "decisions", N_("Decisions")
    NOTICES = "notices", N_("Notices")
    MAILBOX = "mailbox", N_("Mailbox")
    OUTGOING = "outgoing", N_("Outgoing mail")


_BEGIN = {
    "description": Section.GENERAL,
    "moderation": Section.POSTS,
    "include_moderators": Section.COPIES,
    "max_size": Section.DECISIONS,
    "notify_held": Section.NOTICES,
    "host": Section.MAILBOX,
    "smtp_host": Section.OUTGOING,
}
"""The first setting of each section, in the order of their definition."""


def keys_of(section: Section) -> tuple[str, ...]:
    """Its settings, in the order of their definition."""
    return tuple(key for key in ListSettings.model_fields if section_of(key) is section)


def section_of(key: str) -> Section:
    """The section that a setting belongs to."""
    keys = list(ListSettings.model_fields)
    return next(_BEGIN[each] for each in reversed(keys[: keys.index(key) + 1]) if each in _BEGIN)
