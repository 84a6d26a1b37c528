"""Tortoise's PostgreSQL backend, made safe for cancellation and for a server that goes and comes back.

Tortoise's transaction keeps its pooled connection for ever when it could not begin (or was cancelled
there), and lets errors of the connection through as they are. Here a connection always returns to
the pool, which makes another in place of a broken one, and every error has a meaning. A transaction
that wrote something tells every process with its commit (NOTIFY).

The module is named after the driver, because Tortoise's migrations look for that.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    NestedTransactionContext,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError
from typing_extensions import override

from storage.troubles import Overtaken, Unreachable, Unstorable

CHANNEL = "facteur"
"""Of NOTIFY."""

LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What a connection raises that breaks, times out or is refused."""

_WRITING = ("INSERT", "UPDATE", "DELETE")
_ACQUIRE_S = 30.0

T = TypeVar("T")
Execute = Callable[..., Coroutine[Any, Any, T]]


@contextmanager
def understood() -> Iterator[None]:
    """Give asyncpg's errors the meaning that units of work know."""
    try:
        yield
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
        raise Overtaken(error) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(error) from error
    except asyncpg.DataError as error:
        raise Unstorable(str(error)) from error
    except LOST as error:
        if isinstance(error, ValueError) and not isinstance(error, asyncpg.ClientConfigurationError):
            raise Unstorable(str(error)) from error  # a parameter that the client could not encode
        raise Unreachable(str(error) or "no answer in time") from error


class PostgresClient(AsyncpgDBClient):
    """A pool of connections, each made when it is first needed and made again when it broke."""

    @override
    async def create_connection(self, with_db: bool) -> None:
        with understood():
            self._pool = await asyncpg.create_pool(min_size=0, **self.extra)
            await self._post_connect()

    @override
    async def _translate_exceptions(self, func: Execute[T], *args: Any, **kwargs: Any) -> T:
        with understood():
            return await func(self, *args, **kwargs)

    @override
    def _in_transaction(self) -> TransactionContext:
        return _Context(_Transaction(self), self._pool_init_lock)


class _Transaction(TransactionWrapper):
    """A transaction (or savepoint in one) that remembers whether it wrote."""

    def __init__(self, connection: PostgresClient | _Transaction) -> None:
        super().__init__(connection)
        self.outermost: _Transaction = connection.outermost if isinstance(connection, _Transaction) else self
        self.wrote = False

    @override
    async def _translate_exceptions(self, func: Execute[T], *args: Any, **kwargs: Any) -> T:
        with understood():
            return await func(self, *args, **kwargs)

    @override
    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(_Transaction(self))

    @override
    async def execute_insert(self, query: str, values: list[Any]) -> Any:
        self.outermost.wrote = True
        return await super().execute_insert(query, values)

    @override
    async def execute_many(self, query: str, values: list[Any]) -> None:
        self.outermost.wrote = True
        await super().execute_many(query, values)

    @override
    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, list[Any]]:
        count, rows = await super().execute_query(query, values)
        if count and query.startswith(_WRITING):
            self.outermost.wrote = True
        return count, rows

    @override
    async def commit(self) -> None:
        with understood():
            if self.wrote:
                await self._connection.execute(f"NOTIFY {CHANNEL}")
            await super().commit()


class _Context(TransactionContextPooled):
    """Gives its connection back, whatever happens."""

    @override
    async def __aenter__(self) -> TransactionalDBClient:
        with understood():
            await self.ensure_connection()
            self._pool = self.client._parent._pool  # noqa: SLF001 - the backend's own fields
            self.client._connection = await self._pool.acquire(timeout=_ACQUIRE_S)  # noqa: SLF001
        try:
            await self.client.begin()
        except BaseException:
            await self._give_back()
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        client: TransactionalDBClient = self.client
        return client

    @override
    async def __aexit__(self, exc_type: object, exc_val: object, exc_tb: object) -> None:
        try:
            if exc_type is None:
                await self.client.commit()
            else:
                await self._roll_back()
        finally:
            get_connections().reset(self.token)
            await self._give_back()

    async def _roll_back(self) -> None:
        try:
            await self.client.rollback()
        except LOST:
            pass  # with the connection, PostgreSQL forgets the transaction; the first error counts

    async def _give_back(self) -> None:
        try:
            await self._pool.release(self.client._connection)  # noqa: SLF001
        except LOST:
            pass  # asyncpg has closed it and makes another when one is needed; what was committed is


client_class = PostgresClient
"""The name under which Tortoise looks for a backend's client."""
