"""The one lasting connection to PostgreSQL of this process: it hears of commits and holds locks.

Both belong to a connection, so it is watched, and made again when it is lost: then whatever
happened meanwhile counts as one change, and the locks are taken anew.
"""

from __future__ import annotations

import asyncio
import uuid
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import structlog

from bot.core.errors import UserError
from bot.core.stores import Hold
from bot.core.text import Text
from storage.asyncpg_backend import CHANNEL, LOST, understood
from storage.atomic import translated
from storage.changes import NoticedChanges

log = structlog.get_logger()

LOCKS = 0xFAC7
"""The first half of every advisory lock's key; the second says which."""

_PULSE_S = 15.0
"""A server behind a broken network is noticed that soon, and half of it more."""
_CALM_S = 0.05
"""Commits that follow each other faster are noticed together."""
_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 0.1, 5.0
_RETAKE = "5s"
_SERVER_SETTINGS = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
"""The locks of a machine that vanished are free after a minute."""
_TRY = {False: "pg_try_advisory_lock", True: "pg_try_advisory_lock_shared"}
_TAKE = {False: "pg_advisory_lock", True: "pg_advisory_lock_shared"}
_RELEASE = {False: "pg_advisory_unlock", True: "pg_advisory_unlock_shared"}


@dataclass(eq=False)
class _Held:
    """The port `Hold`: keys of advisory locks, and whether each is shared."""

    keys: dict[int, bool] = field(default_factory=dict)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def lost(self) -> None:
        await self.gone.wait()


class Session:
    """The port `Locks`, and the source of `changes`, which is the port `Changes`."""

    def __init__(self, url: str) -> None:
        self.changes = NoticedChanges()
        self._url = url
        self._name = f"facteur {uuid.uuid4().hex}"
        self._connection: asyncpg.Connection | None = None
        self._ended = asyncio.Event()
        self._using = asyncio.Lock()  # a connection does one thing at a time
        self._held: list[_Held] = []
        self._calm: asyncio.TimerHandle | None = None
        self._more = False

    @asynccontextmanager
    async def hold(
        self, names: Collection[str], busy: Text, shared: Collection[str] = ()
    ) -> AsyncIterator[Hold]:
        """As the port says."""
        held = _Held()
        try:
            with translated(), understood():
                async with self._using:
                    for name in names:
                        await self._take(held, lock_key(name), name in shared, busy)
                    self._held.append(held)
            yield held
        finally:
            await self._release(held)

    async def is_held(self, names: Collection[str]) -> bool:
        """As the port says."""
        with translated(), understood():
            async with self._using:
                return bool(
                    await self._connected().fetchval(
                        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                        " AND classid::bigint = $1 AND objid::bigint = ANY($2::bigint[]) AND objsubid = 2",
                        LOCKS,
                        [lock_key(name) for name in names],
                    )
                )

    async def _take(self, held: _Held, key: int, shared: bool, busy: Text) -> None:
        if not await self._connected().fetchval(f"SELECT {_TRY[shared]}($1, $2)", LOCKS, key):
            raise UserError(busy)
        held.keys[key] = shared

    async def _release(self, held: _Held) -> None:
        if held in self._held:
            self._held.remove(held)
        try:
            async with self._using:
                for key, shared in held.keys.items():
                    await self._connected().execute(f"SELECT {_RELEASE[shared]}({LOCKS}, {key})")
        except LOST:
            pass  # with the connection, PostgreSQL forgets its locks

    def _connected(self) -> asyncpg.Connection:
        if self._connection is None:
            raise ConnectionError("the connection was lost")
        return self._connection

    async def connect(self) -> None:
        """Connect and listen, with the locks that were held before, if there are any."""
        connection = await asyncpg.connect(
            self._url,
            timeout=10,
            command_timeout=10,
            server_settings={"application_name": self._name, **_SERVER_SETTINGS},
        )
        self._ended = ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            _require_utf8(connection)
            await connection.add_listener(CHANNEL, self._heard)
            await self._retake(connection)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    async def _retake(self, connection: asyncpg.Connection) -> None:
        """Take the locks anew; behind a broken network, our own old connection may still have them."""
        if not self._held:
            return
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = $1 AND pid <> pg_backend_pid()",
            self._name,
        )
        await connection.execute(f"SET lock_timeout = '{_RETAKE}'")
        for held in self._held:
            try:
                for key, shared in held.keys.items():
                    await connection.execute(f"SELECT {_TAKE[shared]}({LOCKS}, {key})")
            except asyncpg.LockNotAvailableError:
                held.gone.set()

    async def keep(self) -> None:
        """Watch over the connection until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_PULSE_S):
                    await self._ended.wait()
            except TimeoutError:
                if await self._has_pulse():
                    continue
            log.warning("database connection lost")
            await self._reconnect()
            log.info("database connection back")
            self.changes.notice()

    async def _has_pulse(self) -> bool:
        try:
            async with self._using:
                await self._connected().execute("SELECT 1")
        except LOST:
            return False
        return True

    async def _reconnect(self) -> None:
        delay_s = _FIRST_BACK_OFF_S
        self.abandon()
        while True:
            try:
                return await self.connect()
            except LOST:
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, _LONGEST_BACK_OFF_S)

    def abandon(self) -> None:
        """Drop the connection, and with it everything that it holds."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _heard(self, *_: object) -> None:
        """Notice at once, then once more for all that came within the calm that follows."""
        if self._calm is None:
            self.changes.notice()
            self._calm = asyncio.get_running_loop().call_later(_CALM_S, self._calmed)
        else:
            self._more = True

    def _calmed(self) -> None:
        self._calm = None
        if self._more:
            self._more = False
            self._heard()


def _require_utf8(connection: asyncpg.Connection) -> None:
    encoding = connection.get_settings().server_encoding
    if encoding != "UTF8":
        raise UserError(
            Text("the database must be one with the encoding UTF8, not {encoding}", encoding=encoding)
        )


def lock_key(name: str) -> int:
    """A lock's name as PostgreSQL takes it: 31 bits."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Session]:
    """A session as long as the context lasts."""
    opened = Session(url)
    with translated(), understood():
        await opened.connect()
    keeping = asyncio.create_task(opened.keep())
    try:
        yield opened
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        opened.abandon()
