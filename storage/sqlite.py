"""Tortoise's SQLite backend, made safe for several processes and for cancellation.

Tortoise begins transactions as readers: a read followed by a write then fails at once with "database
is locked" when another process wrote in between, whatever the busy timeout. And a task cancelled (or
refused) at its BEGIN leaves the connection inside a transaction for ever. Here a transaction begins
as a writer, waits its turn, and is undone if it could not be entered.
"""

from __future__ import annotations

import sqlite3

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
)
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError
from typing_extensions import override


class WriterTransaction(SqliteTransactionWrapper):
    """A transaction that takes the write lock when it begins."""

    @override
    async def begin(self) -> None:
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error

    @override
    async def execute_script(self, query: str) -> None:
        """Execute one statement: a script of sqlite3 would commit what came before it."""
        await self.execute_query(query)


class WriterContext(SqliteTransactionContext):
    """Leaves nothing behind when its transaction cannot begin."""

    @override
    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            await self._abandon()
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        client: TransactionalDBClient = self.connection
        return client

    @override
    async def __aexit__(self, exc_type: object, exc_val: object, exc_tb: object) -> None:
        try:
            await super().__aexit__(exc_type, exc_val, exc_tb)
        except BaseException:  # the commit failed, for example on a full disk
            await self._roll_back()
            raise

    async def _abandon(self) -> None:
        try:
            await self._roll_back()
        finally:
            self._trxlock.release()

    async def _roll_back(self) -> None:
        """Queued behind a statement that may still run: the connection is one thread, in order."""
        connection = self.connection._connection  # noqa: SLF001 - the backend's own field
        if connection:
            await connection.rollback()


class WriterClient(SqliteClient):
    """The stock client with the transactions above."""

    @override
    def _in_transaction(self) -> TransactionContext:
        return WriterContext(WriterTransaction(self), self._lock)


client_class = WriterClient
"""The name under which Tortoise looks for a backend's client."""
