"""The port `NoteStore`: what has to be known again after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tortoise.queryset import QuerySet

from bot.core.errors import UserError
from bot.core.settings import Box
from bot.core.text import Text
from storage.atomic import Database, Store, atomic, reading
from storage.rows import NoteRow


class SqlNoteStore(Store):
    """Notes, each of an owner and by name."""

    def __init__(self, database: Database, box: Box) -> None:
        super().__init__(database)
        self._box = box

    @reading
    async def recall(self, owner: str, name: str) -> str:
        row = await NoteRow.filter(owner=owner, name=name).first()
        return self._unsealed(row) if row else ""

    @reading
    async def recall_all(self, owner: str, prefix: str) -> Mapping[str, str]:
        rows = await _beginning(owner, prefix).order_by("at", "id")
        return {row.name.removeprefix(prefix): self._unsealed(row) for row in rows}

    @atomic
    async def keep(self, owner: str, values: Mapping[str, str], at: datetime) -> None:
        for name, value in values.items():
            found = NoteRow.filter(owner=owner, name=name)
            if not value:
                await found.delete()
                continue
            sealed = self._box.seal(value)
            if not await found.update(value=sealed, at=at):
                await NoteRow.create(owner=owner, name=name, value=sealed, at=at)

    @atomic
    async def take(self, owner: str, name: str, value: str) -> bool:
        row = await NoteRow.filter(owner=owner, name=name).first()
        if row is None or self._unsealed(row) != value:
            return False
        return bool(await NoteRow.filter(id=row.id, value=row.value).delete())

    @atomic
    async def swap(self, owner: str, name: str, value: str, other: str, at: datetime) -> bool:
        row = await NoteRow.filter(owner=owner, name=name).first()
        if (self._unsealed(row) if row else "") != value:
            return False
        if row is None:
            if other:  # where another was first, the unit is run anew and sees what that one wrote
                await NoteRow.create(owner=owner, name=name, value=self._box.seal(other), at=at)
            return True
        found = NoteRow.filter(id=row.id, value=row.value)
        return bool(await (found.update(value=self._box.seal(other), at=at) if other else found.delete()))

    @atomic
    async def forget(self, owner: str, prefix: str, before: datetime) -> None:
        await _beginning(owner, prefix).filter(at__lt=before).delete()

    def _unsealed(self, row: NoteRow) -> str:
        try:
            return self._box.unseal(row.value)
        except ValueError:
            raise UserError(
                Text(
                    "what {owner} has to remember was sealed with another key: put back the key that this "
                    "installation began with",
                    owner=row.owner,
                )
            ) from None


def _beginning(owner: str, prefix: str) -> QuerySet[NoteRow]:
    return NoteRow.filter(owner=owner, name__startswith=prefix)
