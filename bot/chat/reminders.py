"""What a room is shown of things that have waited too long."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.chat import Button, CardKind, Screen, line
from bot.core.reminders import Overdue
from bot.core.text import Language, Text

_LISTS_SHOWN = 20


def reminder_card(kind: CardKind, told: Sequence[Overdue], language: Language) -> Screen:
    """The same card at each hour, until nothing is told any more."""
    if not told:
        return Screen(lines=(line(_over(kind).render(language)),))
    about_posts = kind is CardKind.REMINDER
    title = Text("⏰ Still waiting for a decision:") if about_posts else Text("⏰ Mail that does not leave:")
    said = [_posts(each) if about_posts else _deliveries(each) for each in told[:_LISTS_SHOWN]]
    if (more := len(told) - _LISTS_SHOWN) > 0:
        said.append(Text.counted("and {count} more list", "and {count} more lists", more))
    show = (
        Button(Text("📋 Show the posts").render(language), "/pending")
        if about_posts
        else Button(Text("📋 Show why").render(language), "/errors")
    )
    return Screen(
        lines=(line(title.render(language), strong=True), *(line(each.render(language)) for each in said)),
        buttons=((show,),),
    )


def _over(kind: CardKind) -> Text:
    if kind is CardKind.REMINDER:
        return Text("✅ Nothing old waits here any more. Thank you!")
    return Text("✅ All mail leaves again.")


def _posts(told: Overdue) -> Text:
    return Text.counted(
        "{list}: {count} post, since {at}",
        "{list}: {count} posts, the oldest since {at}",
        told.count,
        list=told.list_address,
        at=told.oldest_at,
    )


def _deliveries(told: Overdue) -> Text:
    return Text.counted(
        "{list}: {count} copy is tried again and again since {at}",
        "{list}: {count} copies are tried again and again, the first since {at}",
        told.count,
        list=told.list_address,
        at=told.oldest_at,
    )
