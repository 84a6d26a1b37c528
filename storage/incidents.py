"""Incidents: opened, changed and closed in the transaction that notes the health which they are about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import F
from tortoise.queryset import QuerySet

from bot.core.audit import is_asked_for, who_acts
from bot.core.chat import CardKind, WaitingSheet
from bot.core.lists import Certificate
from bot.core.text import Text
from storage.cards import ROOMS, deal, incident_rooms
from storage.rows import CardRow, IncidentRow
from storage.waiting import together

MAY_PASS = timedelta(minutes=1)
"""What mends itself within that time is told to nobody."""

SAME_AGAIN = timedelta(hours=6)
"""What comes back within that time is the same incident: its card tells of it, not another."""


async def note_health(
    key: str,
    what: Text,
    trouble: Text | None,
    at: datetime,
    seen: Certificate | None = None,
    sheet: WaitingSheet | None = None,
) -> None:
    """What `key` names does not work, or for None does.

    `seen` is a certificate to be accepted, `sheet` one to be decided about: these are told at once.
    """
    row = await IncidentRow.get_or_none(key=key)
    lasts = row is not None and row.closed_at is None
    if trouble is None:
        if row and lasts:
            await together(ROOMS)
            await _close(row, at)
        return
    values: dict[str, Any] = {
        "what": what.dump(),
        "trouble": trouble.dump(),
        "server": seen.server if seen else "",
        "group_id": sheet.group_id if sheet else None,
        "sha256": seen.sha256 if seen else sheet.sha256 if sheet else "",
    }
    if row and lasts and all(getattr(row, name) == value for name, value in values.items()):
        return
    await together(ROOMS)
    asks = seen is not None or sheet is not None
    told_at = at if asks else at + MAY_PASS
    if row is None:
        row = await IncidentRow.create(key=key, opened_at=at, **values)
    else:
        anew = {} if lasts else {"opened_at": at, "closed_at": None, "closed_by": ""}
        if row.closed_at and at - row.closed_at > SAME_AGAIN:
            await _cards(row).delete()
        changed = {**values, **anew, "revision": F("revision") + 1}
        await IncidentRow.filter(id=row.id).update(**changed)
        await _tell(row, at if lasts else told_at, asks=asks)
    await deal(CardKind.INCIDENT, [row.id], await incident_rooms(), told_at)


async def forget_incidents(*keys: str) -> None:
    """What they are about is gone: their cards stay as they are, and nothing is told of them."""
    for row in await IncidentRow.filter(key__in=keys):
        await _cards(row).delete()
        await row.delete()


async def _close(row: IncidentRow, at: datetime) -> None:
    """Where it was told, it is told that it is over; where it was not, never."""
    by = who_acts().by.name if row.group_id and is_asked_for() else ""
    await IncidentRow.filter(id=row.id).update(closed_at=at, closed_by=by, revision=F("revision") + 1)
    await _cards(row).filter(message_id="").delete()
    await _cards(row).update(wanted=F("wanted") + 1, urgent=F("wanted") + 1, due_at=at)


async def _tell(row: IncidentRow, at: datetime, *, asks: bool) -> None:
    """Change the cards that are there; one that nobody has seen keeps its minute."""
    shown = _cards(row) if asks else _cards(row).exclude(message_id="")
    await shown.update(wanted=F("wanted") + 1, urgent=F("wanted") + 1, due_at=at)


def _cards(row: IncidentRow) -> QuerySet[CardRow]:
    return CardRow.filter(kind=CardKind.INCIDENT, about=row.id)
