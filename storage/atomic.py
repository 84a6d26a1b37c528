"""The one way to the database: `reading` for what only looks, `atomic` for every write."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError, ValidationError
from tortoise.transactions import in_transaction

from bot.core.audit import carry
from bot.core.errors import Conflict, TransientError, UserError
from bot.core.text import Text, verbatim
from storage.troubles import Overtaken, Unreachable, Unstorable

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="Store")

_NO_DATABASE = "file is not a database"
"""SQLITE_NOTADB, of which only its words come through."""

_TRIES = 4
"""Of a unit that others are in the way of."""

_inside: ContextVar[bool] = ContextVar("inside_a_unit_of_work", default=False)


class Traced(Protocol):
    """Does the work of a unit and, in the same transaction, writes the trail of what it changed."""

    def __call__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]: ...


class Database:
    """An open database and the units of work under way in it."""

    def __init__(self, context: Context, traced: Traced) -> None:
        """`context` is one in which Tortoise finds this database; `traced` writes the trail of units."""
        self._context = context
        self._traced = traced
        self._busy: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def unit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` as one transaction that ends by itself, whatever becomes of the caller.

        A cancelled caller leaves at once; the transaction goes on and commits, or rolls back if
        `work` raises. It must not wait for anything but the database, and may be called again where
        another transaction was in its way.
        """
        task = self._started(_transaction(lambda: self._traced(work)))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        return await asyncio.shield(task)

    async def look(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` outside of any transaction: it takes no lock and writes nothing."""
        return await self._started(_translating(work))

    async def settle(self) -> None:
        """Take no more work and wait for the units under way."""
        self._closing = True
        if self._busy:
            await asyncio.wait(self._busy)

    def _started(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        if self._closing:
            work.close()
            raise TransientError(Text("facteur is stopping: try again once it has started"))
        context = self._context.copy()
        carry(context)
        return asyncio.create_task(work, context=context)


class Store:
    """Base of the stores; what they do in the database is marked `reading` or `atomic`."""

    def __init__(self, database: Database) -> None:
        self._database = database


Method = Callable[Concatenate[S, P], Coroutine[Any, Any, T]]


def atomic(method: Method[S, P, T]) -> Method[S, P, T]:
    """Make a store's method one unit of work; called within another unit, it is a part of that."""

    @wraps(method)
    async def whole(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if _inside.get():
            return await method(self, *args, **kwargs)
        return await self._database.unit(lambda: method(self, *args, **kwargs))

    return whole


def reading(method: Method[S, P, T]) -> Method[S, P, T]:
    """Make a store's method a look at the database; within a unit it sees what the unit wrote."""

    @wraps(method)
    async def looking(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if _inside.get():
            return await method(self, *args, **kwargs)
        return await self._database.look(lambda: method(self, *args, **kwargs))

    return looking


async def _transaction(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the unit, anew where another was in its way: by then it sees what that one did."""
    with translated():
        for _ in range(_TRIES - 1):
            try:
                return await _once(work)
            except (Overtaken, IntegrityError):
                continue
        return await _once(work)


async def _once(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    async with in_transaction():
        _inside.set(True)
        return await work()


async def _translating(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    with translated():
        return await work()


@contextmanager
def translated() -> Iterator[None]:
    """Give the errors of the database their meaning: somebody was first, too long, or later may work."""
    try:
        yield
    except (IntegrityError, Overtaken) as error:
        raise Conflict(
            Text("this changed or was deleted at the same moment: look again, then repeat it")
        ) from error
    except ValidationError as error:
        raise UserError(Text("this is longer than anything that can be stored: shorten it")) from error
    except Unstorable as error:
        raise UserError(Text("this holds a number or a character that cannot be stored")) from error
    except Unreachable as error:
        raise TransientError(
            Text(
                "the database cannot be used just now ({why}): see that PostgreSQL runs and that"
                " database_url is right",
                why=verbatim(str(error)),
            )
        ) from error
    except (OperationalError, DBConnectionError, sqlite3.Error, OSError) as error:
        if _NO_DATABASE in str(error):
            raise UserError(
                Text("what lies where the database should be is none: move it away, or give another data_dir")
            ) from error
        raise TransientError(
            Text(
                "the database cannot be used just now ({why}): see that its disk is not full",
                why=verbatim(str(error)),
            )
        ) from error
