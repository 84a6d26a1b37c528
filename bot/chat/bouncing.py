"""What people see of addresses that mail does not reach: a card for each list, lines for commands."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.desk import Option
from bot.chat.drawing import button
from bot.chat.readable import one_line, server_words
from bot.core.bounces import Bouncing, Unnamed
from bot.core.chat import Screen, line
from bot.core.lists import MailingList
from bot.core.text import Language, Text

_SHOWN = 8
_LINE_LIMIT = 500


def bounces_card(
    mlist: MailingList, found: Sequence[Bouncing], unnamed: Sequence[Unnamed], language: Language
) -> Screen:
    """The same card until the next is posted, even if nothing is left to tell.

    `found` and `unnamed` are the list's own, as `BounceStore` gives them.
    """
    if not found:
        reached = Text("✅ {list}: nothing comes back any more.", list=mlist.address)
        return Screen(lines=(line(reached.render(language)),))
    title = Text.counted(
        "📭 Mail of {list} does not reach {count} address:",
        "📭 Mail of {list} does not reach {count} addresses:",
        len(found),
        list=mlist.address,
    )
    said = [*map(bouncing_line, found[:_SHOWN]), *(unnamed_line(each, mlist) for each in unnamed)]
    if len(found) > _SHOWN:
        said.append(Text("And more: /bounces {list}", list=mlist.local_part))
    said.append(Text("/person ADDRESS shows whose it is."))
    return Screen(
        lines=(
            line(title.render(language), strong=True),
            *(line(one_line(each.render(language), _LINE_LIMIT)) for each in said),
        ),
        buttons=tuple((button(option, language),) for option in (*_last_report(found), *again(found))),
    )


def bouncing_line(each: Bouncing) -> Text:
    """Since when, how often and why mail does not reach an address."""
    reason = server_words(each.reason) if each.reason else Text("no reason was given")
    if each.suspended_at:
        return Text(
            "⏸ {address} · suspended since {at}: {reason}",
            address=each.address,
            at=each.suspended_at,
            reason=reason,
        )
    if not each.points:
        return Text(
            "{address} · the mail was refused, not the address, {at}: {reason}",
            address=each.address,
            at=each.last_at,
            reason=reason,
        )
    return Text.counted(
        "{address} · {count} point, {at}: {reason}",
        "{address} · {count} points, the last {at}: {reason}",
        each.points,
        address=each.address,
        at=each.last_at,
        reason=reason,
    )


def unnamed_line(each: Unnamed, mlist: MailingList) -> Text:
    """How many reports name nobody of the directory."""
    return Text.counted(
        "{list}: {count} report names nobody of the directory, {at}",
        "{list}: {count} reports name nobody of the directory, the last {at}",
        each.count,
        list=mlist.address,
        at=each.last_at,
    )


def again(found: Sequence[Bouncing]) -> list[Option]:
    """Buttons that give suspended addresses another chance."""
    suspended = [each.address for each in found if each.suspended_at][:_SHOWN]
    options = [
        Option(Text("▶️ Reactivate {address}", address=address), f"/reactivate {address}")
        for address in suspended
    ]
    return [option for option in options if option.fits]


def _last_report(found: Sequence[Bouncing]) -> list[Option]:
    """The button that shows what came last, where a report did."""
    reports = [(each.last_at, each.report) for each in found if each.report]
    return [Option(Text("👁 Read the last report"), f"read:{max(reports)[1]}:0")] if reports else []
