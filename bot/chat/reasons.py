"""Canned reasons for a rejection: the organisation's own, or the four that come with facteur."""

from __future__ import annotations

from bot.chat.desk import Desk
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.text import N_, Text

SHIPPED = (
    N_("It is not about what this list is for."),
    N_("It is advertising, and this list does not pass that on."),
    N_("It answers one person: please write to them directly."),
    N_("The attachment is too large: please share a link instead."),
)


def canned_reasons(desk: Desk, mlist: MailingList) -> list[str]:
    """In the language in which the list writes to authors, who are going to read them."""
    language = desk.languages.of(mlist.settings.language)
    return list(desk.installation.reasons) or [language.sentence(reason) for reason in SHIPPED]


def canned_reason(desk: Desk, mlist: MailingList, number: int) -> str:
    """One of them, counted from 0. Raises UserError if the configuration has fewer by now."""
    reasons = canned_reasons(desk, mlist)
    if number >= len(reasons):
        raise UserError(Text("That reason is no longer there: please open ➕ More again."))
    return reasons[number]
