"""Noticing commits of any process; on SQLite by polling ``PRAGMA data_version``."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

INTERVAL_S = 0.1
"""One read takes microseconds and no lock, so ten a second cost nothing that could be measured."""


class NoticedChanges:
    """The port `Changes`: counts the commits noticed, those of this process too."""

    def __init__(self) -> None:
        self.count = 0
        self._noticed = asyncio.Event()

    async def beyond(self, count: int) -> None:
        """Return as soon as `self.count` is above `count`."""
        while self.count <= count:
            await self._noticed.wait()

    def notice(self) -> None:
        """Count one more and wake everybody who waits."""
        self.count += 1
        self._noticed.set()
        self._noticed = asyncio.Event()


@asynccontextmanager
async def watching(database: Path) -> AsyncIterator[NoticedChanges]:
    """Watch a SQLite database as long as the context lasts.

    The connection is one of its own: ``data_version`` moves only for commits of *other*
    connections, and it must not queue behind a writer.
    """
    changes = NoticedChanges()
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        task = asyncio.create_task(_poll(connection, changes))
        try:
            yield changes
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _poll(connection: sqlite3.Connection, changes: NoticedChanges) -> None:
    seen = _version(connection)
    while True:
        await asyncio.sleep(INTERVAL_S)
        version = _version(connection)
        if version is not None and version != seen:
            seen = version
            changes.notice()


def _version(connection: sqlite3.Connection) -> int | None:
    """The version, or None while the database cannot be read: the next look will tell."""
    try:
        (version,) = connection.execute("PRAGMA data_version").fetchone()
    except sqlite3.Error:
        return None
    return int(version)
