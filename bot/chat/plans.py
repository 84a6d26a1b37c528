"""What a sheet would change or has changed, in words and in rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.chat.desk import Reply, say
from bot.chat.readable import one_line
from bot.core.people import Group
from bot.core.rosters import Change, Plan, Planned
from bot.core.text import Text
from bot.flow.sync import Synced

_SHOWN = {Change.REFUSED: 15, Change.REMOVED: 15, Change.CHANGED: 8, Change.ADDED: 8}
"""Rows of each kind that an answer names; `--json` has all."""
_MARKS = {Change.REFUSED: "⚠️", Change.REMOVED: "🗑", Change.CHANGED: "✏️", Change.ADDED: "➕"}
_TEXT_LIMIT = 200


def counts(plan: Plan) -> list[Text]:
    """How many of each kind: ``2 added, 1 removed``."""
    by = {change: plan.count(change) for change in Change}
    found = (
        Text.counted("{count} added", "{count} added", by[Change.ADDED]),
        Text.counted("{count} changed", "{count} changed", by[Change.CHANGED]),
        Text.counted("{count} removed", "{count} removed", by[Change.REMOVED]),
        Text.counted("{count} kept", "{count} kept", by[Change.KEPT]),
        Text.counted("{count} refused", "{count} refused", by[Change.REFUSED]),
    )
    return [each for each in found if each.values["count"]] or [Text("nothing")]


def lines(plan: Plan) -> Iterator[Text]:
    """Who is concerned, as far as an answer has room for them."""
    for change, limit in _SHOWN.items():
        found = [row for row in plan.rows if row.change is change]
        for row in found[:limit]:
            yield _row_line(row)
        if len(found) > limit:
            yield Text("{mark} and {count} more", mark=_MARKS[change], count=len(found) - limit)


def _row_line(row: Planned) -> Text:
    who = one_line(
        f"{row.name} <{row.address}>" if row.name and row.address else row.address or row.name, _TEXT_LIMIT
    )
    said = Text("{mark} {who}", mark=_MARKS[row.change], who=who)
    if row.line and row.change is Change.REFUSED:
        said = Text("{mark} line {line}: {who}", mark=_MARKS[row.change], line=row.line, who=who)
    return Text("{said} ({why})", said=said, why=row.reason) if row.reason else said


def rows(plan: Plan) -> list[dict[str, Any]]:
    """For scripts: every row, those that nothing changes too."""
    return [
        {
            "line": row.line or None,
            "address": row.address,
            "name": row.name,
            "change": row.change.value,
            "reason": str(row.reason) if row.reason else None,
        }
        for row in plan.rows
    ]


def synced(done: Sequence[Synced]) -> Reply:
    """What looks at sources gave."""
    if not done:
        return Reply(
            said=(Text("No group follows a source: /addgroup NAME source=URL makes one that does."),)
        )
    return Reply(
        said=tuple(line for each in done for line in _synced_lines(each)),
        rows=[{"group": each.group.written, **_outcome(each)} for each in done],
        ok=all(each.trouble is None for each in done),
    )


def _synced_lines(done: Synced) -> Iterator[Text]:
    if done.trouble:
        yield Text("⚠️ {group} is as it was: {trouble}", group=done.group.written, trouble=done.trouble)
        if done.waits:
            line = f"/sync {done.group.written} confirm="
            yield Text("If that is right: {yes} · if not: {no}", yes=f"{line}yes", no=f"{line}no")
    elif done.plan is None:
        yield Text("{group}: its source has not changed.", group=done.group.written)
    else:
        yield Text("{group}: {counts}.", group=done.group.written, counts=counts(done.plan))
        yield from lines(done.plan)


def _outcome(done: Synced) -> dict[str, Any]:
    counted = {change.value: done.plan.count(change) if done.plan else 0 for change in Change}
    return {**counted, "trouble": str(done.trouble) if done.trouble else None, "waits": done.waits}


def left(group: Group) -> Reply:
    """A waiting sheet is passed over."""
    return say(Text("✋ {group} stays as it is, until its source changes again.", group=group.written))
