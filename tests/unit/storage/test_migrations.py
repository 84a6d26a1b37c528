"""The schema: what the migrations make is what the rows say."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.migration import Migration

import storage.migrations
from bot.core.errors import TransientError, UserError
from bot.core.stores import Stores
from storage.database import migrate, open_stores
from storage.engines import Where, engine_of
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.postgres import Postgres
from tests.support.rivals import decide_all, migrate_at_once, race
from tests.support.stores import a_list, new_post, screened

NAMES = [module.name for module in iter_modules(storage.migrations.__path__)]


def sqlite_schema(database: Path) -> dict[str, str]:
    """Every table and index by name, its SQL without comments and layout, columns in any order."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    found = {}
    for name, sql in rows:
        plain = re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL)
        lines = sorted(line.strip().rstrip(",") for line in plain.splitlines())
        found[name] = " ".join(" ".join(lines).replace('"', "").replace(" IF NOT EXISTS", "").split())
    return {name: sql for name, sql in found.items() if "migrations" not in name}


def postgres_schema(server: Postgres, name: str) -> list[str]:
    """Every table, constraint and index as PostgreSQL writes it, columns in any order, by name."""
    dump = server.dump(name, "--schema-only", "--no-comments", "--exclude-table=tortoise_migrations*")
    statements = []
    for statement in dump.split(";\n"):
        lines = [line.strip().rstrip(",") for line in statement.splitlines() if not line.startswith("--")]
        statements.append(" ".join(sorted(line for line in lines if line)))
    return sorted(line for line in statements if line and "restrict" not in line)


@pytest.mark.parametrize("name", NAMES)
def test_a_migration_does_something(name: str) -> None:
    """A class of any other name would be skipped, and noted as applied."""
    migration = import_module(f"storage.migrations.{name}").Migration

    assert issubclass(migration, Migration)
    assert migration.operations


async def generate(where: Where) -> None:
    """The schema as the rows say it."""
    async with TortoiseContext() as tortoise:
        await tortoise.init(config=engine_of(where).config())
        await tortoise.generate_schemas()


async def test_the_migrated_schema_is_that_of_the_rows(tmp_path: Path) -> None:
    """Tables, columns, constraints and indexes."""
    migrated, generated = tmp_path / "migrated", tmp_path / "generated"
    await migrate(migrated)
    await generate(generated)

    assert sqlite_schema(generated) == sqlite_schema(migrated)
    assert {"post", "delivery", "delivery_due", "card_due"} <= sqlite_schema(migrated).keys()


async def test_the_migrated_schema_is_that_of_the_rows_in_postgresql(postgres: Postgres) -> None:
    migrated, generated = postgres.new_database(), postgres.empty_database()
    await generate(postgres.url(generated))

    expected = postgres_schema(postgres, generated)
    assert expected == postgres_schema(postgres, migrated)
    assert any("INDEX delivery_due" in statement for statement in expected)


async def test_migrating_again_changes_nothing(stores: Stores, clock: ManualClock, database: Where) -> None:
    """Also beside a service that is running."""
    mlist = await a_list(stores, clock.now())

    await migrate(database)

    assert await stores.lists.all() == [mlist]


def test_processes_starting_at_once_migrate_once(tmp_path: Path) -> None:
    """Whoever comes second waits, and finds nothing left to do."""
    database = tmp_path / "facteur.sqlite"

    assert race(migrate_at_once, 4, database) == ["done"] * 4

    with closing(sqlite3.connect(database)) as connection:
        applied = connection.execute("SELECT name FROM tortoise_migrations").fetchall()
    assert [name for (name,) in applied] == NAMES


def test_processes_starting_at_once_migrate_once_in_postgresql(postgres: Postgres) -> None:
    name = postgres.empty_database()

    assert race(migrate_at_once, 4, postgres.url(name)) == ["done"] * 4

    assert [row["name"] for row in postgres.execute("SELECT name FROM tortoise_migrations", name)] == NAMES


def test_of_two_processes_deciding_at_once_one_wins(database: Where, box: FernetBox) -> None:
    """Post by post, and the other is told who it was."""
    post_ids = asyncio.run(held_posts(database, box, 40))

    first, second = race(decide_all, 2, database, post_ids)

    assert first == second
    assert isinstance(first, dict)
    assert set(post_ids) == first.keys()


async def held_posts(database: Where, box: FernetBox, count: int) -> list[int]:
    """A new database with so many held posts."""
    now = datetime.now(UTC)
    async with open_stores(database, box) as stores:
        mlist = await a_list(stores, now)
        return [(await screened(stores, new_post(mlist.id, now))).id for _ in range(count)]


async def test_a_database_that_cannot_be_made_is_told(tmp_path: Path, box: FernetBox) -> None:
    """In a sentence, not as a library's error; the same for a file that is something else."""
    with pytest.raises(TransientError, match="cannot be used just now"):
        async with open_stores(tmp_path / "nowhere" / "facteur.sqlite", box):
            pass
    (tmp_path / "letter.txt").write_text("Chère Anne, " * 100)
    with pytest.raises(UserError, match="where the database should be"):
        async with open_stores(tmp_path / "letter.txt", box):
            pass
