"""The port `AuditStore`: who changed what. `storage.trail` writes it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from bot.core.addresses import Address
from bot.core.audit import Entry
from bot.core.people import Actor, Person
from bot.core.stores import Listing, Page
from bot.core.text import folded
from storage.atomic import Store, atomic, reading
from storage.rows import AuditRow
from storage.trail import searched
from storage.values import listing, paged, words_of

_FORGOTTEN = "(…)"


class SqlAuditStore(Store):
    """The trail of every change."""

    @reading
    async def find(self, words: str, page: Page) -> Listing[Entry]:
        found = AuditRow.all()
        for word in words_of(words):
            found = found.filter(folded__contains=word)
        rows, around = await paged(found, page)
        return listing([_entry(row) for row in await rows], page, around)

    @atomic
    async def purge(self, before: datetime) -> int:
        return await AuditRow.filter(at__lt=before).delete()


def _entry(row: AuditRow) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        by=Actor(row.by_id, row.by_name),
        where=row.place,
        what=row.what,
        about=row.about,
        before=row.before,
        after=row.after,
    )


async def erase_from_trail(person: Person) -> None:
    """Within a unit: that something was changed stays, whom it concerned does not."""
    for address in person.addresses:
        for row in await AuditRow.filter(folded__contains=folded(address)):
            whole = _names(row.about, person.addresses)  # then every value is of the person
            row.before = _without(person, row.before, whole=whole)
            row.after = _without(person, row.after, whole=whole)
            row.about = _without(person, row.about, whole=whole)
            row.folded = searched(row)
            await row.save()


def _without(person: Person, value: Any, *, whole: bool) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _without(person, each, whole=whole) for key, each in value.items()}
    if isinstance(value, list):
        return [_without(person, each, whole=whole) for each in value]
    return _FORGOTTEN if whole or _names(value, person.addresses) else value


def _names(text: str, addresses: Collection[Address]) -> bool:
    return any(address in text for address in addresses)
