"""The mails that facteur writes to authors, and the texts that people may write for them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class NoticeKind(StrEnum):
    """What an author is told about a post."""

    HELD = "held"
    DISTRIBUTED = "distributed"
    AUTO_DISTRIBUTED = "auto_distributed"
    REJECTED = "rejected"


class TemplateStore(Protocol):
    """Texts of notices that somebody wrote; the shipped ones are not among them."""

    async def text(self, mlist_id: int | None, kind: NoticeKind, language: str) -> str:
        """The list's own text, else that of all lists; empty if there is neither."""
        ...

    async def own(self, mlist_id: int | None) -> Mapping[tuple[NoticeKind, str], str]:
        """The texts of one list, or (None) those of all lists, by kind and language."""
        ...

    async def write(self, mlist_id: int | None, kind: NoticeKind, language: str, text: str) -> None:
        """An empty text takes it away."""
        ...
