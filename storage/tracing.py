"""Rows whose every change leaves a trail, through whichever store and however it is written.

A row class says so with `TracedModel` as its base and ``manager = TracedManager()`` in its Meta; what is
told of its rows is said in `storage.trail`. All ways of Tortoise to write pass here: save, update, delete
and bulk_create.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.manager import Manager
from tortoise.models import Model
from tortoise.queryset import QuerySet
from typing_extensions import override

from bot.core.audit import Values
from bot.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of one class before and after a statement: one of them is empty, or both pair up."""

    before: list[Any]
    after: list[Any]


class Tracer(Protocol):
    """Writes the trail of one unit of work."""

    @property
    def now(self) -> datetime:
        """The moment of the unit."""
        ...

    async def notice(self, change: Change) -> None:
        """Take in what a statement changed."""
        ...

    def note(self, what: str, about: str, after: Values) -> None:
        """Take in what no row tells."""
        ...


tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)
"""That of the unit of work under way; None = outside of one, or its changes are not traced."""


def this_moment() -> datetime:
    """For columns that tell since when a row has been there."""
    trail = tracer.get()
    return trail.now if trail else Clock().now()


@contextmanager
def untraced() -> Iterator[None]:
    """What is erased on purpose leaves no trail of its own."""
    token = tracer.set(None)
    try:
        yield
    finally:
        tracer.reset(token)


def leave_trail(what: str, about: str, after: Values) -> None:
    """Within a unit: tell what no row tells."""
    trail = tracer.get()
    if trail is not None:
        trail.note(what, about, after)


class _Traced:
    """A statement that tells what it changed; awaited like Tortoise's own."""

    def __init__(self, run: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._run = run

    def __await__(self) -> Generator[Any, None, Any]:
        return self._run().__await__()


class TracedQuerySet(QuerySet[Any]):
    """Looks at the rows before and after it changes them."""

    @override
    def update(self, **kwargs: Any) -> Any:
        statement = super().update(**kwargs)
        trail = tracer.get()
        if trail is None or not self.model.traced & kwargs.keys():
            return statement

        async def run() -> int:
            before = await self._clone()
            count: int = await statement
            if not count:  # another was first
                return 0
            after = {row.pk: row for row in await self.model.filter(pk__in=[row.pk for row in before])}
            kept = [row for row in before if row.pk in after]
            await trail.notice(Change(kept, [after[row.pk] for row in kept]))
            return count

        return _Traced(run)

    @override
    def delete(self) -> Any:
        statement = super().delete()
        trail = tracer.get()
        if trail is None or not self.model.ends_traced:
            return statement

        async def run() -> int:
            change = Change(list(await self._clone()), [])
            await trail.notice(change)  # while those whom the rows name are still there
            count: int = await statement
            return count

        return _Traced(run)

    @override
    def bulk_create(self, objects: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        rows = list(objects)
        statement = super().bulk_create(rows, *args, **kwargs)
        trail = tracer.get()
        if trail is None or not rows:
            return statement

        async def run() -> None:
            await statement
            await trail.notice(Change([], rows))

        return _Traced(run)


class TracedManager(Manager):
    """Gives such querysets, of the one class that it belongs to."""

    @override
    def get_queryset(self) -> TracedQuerySet:
        return TracedQuerySet(self._model)


class TracedModel(Model):
    """`traced` names the columns whose update leaves a trail; `ends_traced`, whether a deletion does."""

    traced: ClassVar[frozenset[str]] = frozenset()
    ends_traced: ClassVar[bool] = True

    @override
    async def save(
        self,
        using_db: BaseDBAsyncClient | None = None,
        update_fields: Iterable[str] | None = None,
        force_create: bool = False,
        force_update: bool = False,
    ) -> None:
        trail = tracer.get()
        before = []
        if trail and self._saved_in_db:
            before = await type(self).filter(pk=self.pk)
        await super().save(using_db, update_fields, force_create, force_update)
        if trail:
            await trail.notice(Change(list(before), [self]))

    @override
    async def delete(self, using_db: BaseDBAsyncClient | None = None) -> None:
        trail = tracer.get()
        if trail and self.ends_traced:
            await trail.notice(Change([self], []))
        await super().delete(using_db)

    class Meta:  # noqa: D106 - Tortoise's business
        abstract = True
