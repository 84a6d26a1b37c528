"""The port `Locks` for SQLite: lock files beside the database, which serve one machine."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Collection
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from bot.core.errors import UserError
from bot.core.stores import Hold
from bot.core.text import Text

_PATIENCE = 5
"""How often a lock is tried, ten times a second: somebody may only have looked whether it is held."""


class HeldForGood:
    """The port `Hold` where nobody can be cut off: the system keeps the lock as long as the process."""

    async def lost(self) -> None:
        """Never returns."""
        await asyncio.Event().wait()


class FileLocks:
    """One file for each name; the system lets go of it when the process ends, however."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def hold(
        self, names: Collection[str], busy: Text, shared: Collection[str] = ()
    ) -> AsyncIterator[Hold]:
        """As the port says."""
        with ExitStack() as files:
            for name in names:
                kind = fcntl.LOCK_SH if name in shared else fcntl.LOCK_EX
                for _ in range(_PATIENCE):
                    if self._lock(files, name, kind):
                        break
                    await asyncio.sleep(0.1)
                else:
                    raise UserError(busy)
            yield HeldForGood()

    async def is_held(self, names: Collection[str]) -> bool:
        """As the port says."""
        with ExitStack() as files:
            return not all(self._lock(files, name, fcntl.LOCK_EX) for name in names)

    def _lock(self, files: ExitStack, name: str, kind: int) -> bool:
        file = files.enter_context((self._folder / f"{name}.lock").open("w"))
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
