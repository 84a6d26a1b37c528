"""The port `TemplateStore`: texts of notices that somebody wrote."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.notices import NoticeKind
from storage.atomic import Store, atomic, reading
from storage.rows import TemplateRow
from storage.waiting import one_at_a_time


class SqlTemplateStore(Store):
    """One row for each text; without a list it is that of all lists."""

    @reading
    async def text(self, mlist_id: int | None, kind: NoticeKind, language: str) -> str:
        for whose in (mlist_id, None):
            row = await TemplateRow.get_or_none(mlist_id=whose, kind=kind, language=language)
            if row:
                return row.text
        return ""

    @reading
    async def own(self, mlist_id: int | None) -> Mapping[tuple[NoticeKind, str], str]:
        rows = await TemplateRow.filter(mlist_id=mlist_id).order_by("id")
        return {(NoticeKind(row.kind), row.language): row.text for row in rows}

    @atomic
    async def write(self, mlist_id: int | None, kind: NoticeKind, language: str, text: str) -> None:
        await one_at_a_time("templates")
        await TemplateRow.filter(mlist_id=mlist_id, kind=kind, language=language).delete()
        if text:
            await TemplateRow.create(mlist_id=mlist_id, kind=kind, language=language, text=text)
