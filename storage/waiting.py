"""Who waits for whom, so that units of work at the same time give what they would one after another.

On SQLite one unit runs at a time. PostgreSQL runs them together, each statement seeing what was
committed when it began (READ COMMITTED), so a unit that looks before it writes first waits for those
that might change what it saw, always in this order:

1. an outgoing account, or the settings of all lists, by name (an advisory lock that ends with the
   transaction);
2. posts, by their rows, lowest number first: whoever moves a post or its deliveries has its row;
3. the rooms, by name: whoever changes cards shares it, who opens or closes a room has it alone;
4. deliveries and cards.

Two units that wait for each other all the same are noticed by PostgreSQL; one of them begins anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection

from tortoise.backends.base.client import BaseDBAsyncClient

from storage.rows import PostRow

_LOCKS = 0xFAC8
"""The first half of the keys; session locks have another."""


async def one_at_a_time(name: str) -> None:
    """Wait for all who have this name, and keep it until the unit ends."""
    await _wait("pg_advisory_xact_lock", name)


async def together(name: str) -> None:
    """Wait only for those who have the name for themselves, and keep it with others like this one."""
    await _wait("pg_advisory_xact_lock_shared", name)


async def lock_posts(post_ids: Collection[int | None]) -> None:
    """Wait for whoever moves these posts or their deliveries, and keep them until the unit ends.

    None, in the place of the post of a mail that is about none, is nothing to wait for.
    """
    known = [post_id for post_id in post_ids if post_id is not None]
    if known and not is_sqlite():
        rows = PostRow.filter(id__in=known).order_by("id").select_for_update(no_key=True)
        await rows.only("id")


def _connection() -> BaseDBAsyncClient:
    connection: BaseDBAsyncClient = PostRow._choose_db(for_write=True)  # noqa: SLF001 - no public way
    return connection


def is_sqlite() -> bool:
    """Whether that is the engine of the unit under way."""
    return _connection().capabilities.dialect == "sqlite"


async def _wait(function: str, name: str) -> None:
    if not is_sqlite():
        key = zlib.crc32(name.encode()) & 0x7FFFFFFF
        await _connection().execute_query(f"SELECT {function}({_LOCKS}, {key})")
