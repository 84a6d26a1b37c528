"""What a large directory costs: ``python -m benchmarks.directory`` (SQLite, in a folder of its own)."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from bot.core.addresses import Address, Mailbox
from bot.core.header import split
from bot.core.people import Role
from bot.core.rosters import Change, Wanted
from bot.core.stores import Stores
from bot.flow.distribution import recipients
from bot.flow.roster import lines_of
from storage.database import open_stores
from storage.secrets import FernetBox
from transports.sheets.sources import SheetReader

_PEOPLE, _GROUPS = 10_000, 20
_RECIPIENTS_LIMIT_S = 0.2
_LINES = 50_000
_PREVIEW_LIMIT_S, _APPLY_LIMIT_S, _MEMORY_LIMIT = 10.0, 30.0, 300_000_000


async def _recipients(stores: Stores, file: Path) -> bool:
    """A list of 10,000 people through 20 groups, each person in two of them."""
    mlist = await stores.lists.add(Address("all@example.org"), {}, datetime.now(UTC))
    groups = [await stores.groups.add(f"group-{n}", "") for n in range(_GROUPS)]
    for group in groups:
        await stores.people.grant_group(mlist, Role.MEMBER, group)
    await stores.people.grant(mlist, Role.EXCLUDED, Mailbox("", Address("person5@example.org")))
    _fill(file, [group.id for group in groups])
    header, _ = split(b"From: 1@example.org\r\nTo: all@example.org\r\n\r\n")
    best = 9.0
    for _ in range(5):
        began = time.perf_counter()
        found = await recipients(stores.people, mlist, header)
        best = min(best, time.perf_counter() - began)
    assert len(found) == _PEOPLE, len(found)
    print(f"recipients of {_PEOPLE} people through {_GROUPS} groups: {1000 * best:.0f} ms")
    return best < _RECIPIENTS_LIMIT_S


def _fill(file: Path, group_ids: Sequence[int]) -> None:
    """Put people into the groups by the shortest way; ids below 100 are taken."""
    with closing(sqlite3.connect(file)) as connection, connection:
        numbers = range(100, 100 + _PEOPLE)
        connection.executemany(
            "INSERT INTO person (id, name) VALUES (?, ?)", ((n, f"Person {n}") for n in numbers)
        )
        connection.executemany(
            "INSERT INTO address (person_id, address) VALUES (?, ?)",
            ((n, f"{n}@example.org") for n in numbers),
        )
        connection.executemany(
            "INSERT INTO membership (person_id, group_id, by_source) VALUES (?, ?, 0)",
            ((n, group_ids[(n + step) % _GROUPS]) for n in numbers for step in (0, 7)),
        )


def _sheet() -> bytes:
    rows = (f"Person {n};p{n}@example.net, q{n}@example.net" for n in range(_LINES))
    return "\r\n".join(["nom;courriel", *rows]).encode()


async def _import(stores: Stores) -> bool:
    """50,000 lines into a new list; nearly all of them are new people with two addresses."""
    mlist = await stores.lists.add(Address("imported@example.org"), {}, datetime.now(UTC))
    content = _sheet()
    began = time.perf_counter()
    lines = lines_of(await SheetReader().read("people.csv", content))
    plan = await stores.rosters.preview(mlist, lines, Wanted())
    previewed = time.perf_counter() - began
    began = time.perf_counter()
    await stores.rosters.apply(mlist, lines, Wanted())
    applied = time.perf_counter() - began
    again = await stores.rosters.preview(mlist, lines, Wanted())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert (plan.count(Change.ADDED), again.count(Change.KEPT)) == (_LINES, _LINES)
    print(f"{_LINES} lines: preview {previewed:.1f} s, apply {applied:.1f} s, {memory / 1e6:.0f} MB")
    return previewed < _PREVIEW_LIMIT_S and applied < _APPLY_LIMIT_S and memory < _MEMORY_LIMIT


async def main() -> int:
    """0 if everything is as fast as was promised."""
    with tempfile.TemporaryDirectory() as folder:
        box = FernetBox(Fernet.generate_key().decode(), "the benchmark")
        file = Path(folder) / "facteur.db"
        async with open_stores(file, box) as stores:
            return int(not (await _recipients(stores, file) and await _import(stores)))


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
