"""What a large directory costs: ``python -m benchmarks.directory``, or with ``postgres`` behind it.

Both in a folder of their own; the server is that of the tests. Memory is facteur's, not the server's.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from bot.core.addresses import Address, Mailbox
from bot.core.header import split
from bot.core.people import Role
from bot.core.rosters import Change, Line, Wanted
from bot.core.stores import Stores
from bot.flow.distribution import recipients
from bot.flow.roster import lines_of
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.postgres import postgres_server
from transports.sheets.sources import SheetReader

_PEOPLE, _GROUPS = 10_000, 20
_RECIPIENTS_LIMIT_S = 0.2
_LINES = 50_000
_PREVIEW_LIMIT_S, _APPLY_LIMIT_S, _MEMORY_LIMIT = 10.0, 30.0, 300_000_000


async def _recipients(stores: Stores) -> bool:
    """A list of 10,000 people through 20 groups, each person in two of them."""
    mlist = await stores.lists.add(Address("all@example.org"), {}, datetime.now(UTC))
    groups = [await stores.groups.add(f"group-{n}", "") for n in range(_GROUPS)]
    for number, group in enumerate(groups):
        await stores.people.grant_group(mlist, Role.MEMBER, group)
        await stores.rosters.apply(group, _lines(number), Wanted())
    await stores.people.grant(mlist, Role.EXCLUDED, Mailbox("", Address("5@example.org")))
    header, _ = split(b"From: 1@example.org\r\nTo: all@example.org\r\n\r\n")
    best = 9.0
    for _ in range(5):
        began = time.perf_counter()
        found = len(await recipients(stores, mlist, header))
        best = min(best, time.perf_counter() - began)
        assert found == _PEOPLE - 1, found
    print(f"recipients of {_PEOPLE} people through {_GROUPS} groups: {1000 * best:.0f} ms")
    return best < _RECIPIENTS_LIMIT_S


def _lines(group: int) -> list[Line]:
    """Every person is in two groups, seven apart."""
    numbers = [n for n in range(_PEOPLE) if group in {n % _GROUPS, (n + 7) % _GROUPS}]
    return [Line(n, f"Person {n}", (Address(f"{n}@example.org"),)) for n in numbers]


def _sheet() -> bytes:
    rows = (f"Person {n};p{n}@example.net, q{n}@example.net" for n in range(_LINES))
    return "\r\n".join(["nom;courriel", *rows]).encode()


async def _import(stores: Stores) -> bool:
    """50,000 lines into a new list; nearly all of them are new people with two addresses."""
    mlist = await stores.lists.add(Address("imported@example.org"), {}, datetime.now(UTC))
    content = _sheet()
    began = time.perf_counter()
    lines = lines_of(await SheetReader().read(content))
    plan = await stores.rosters.preview(mlist, lines, Wanted())
    previewed = time.perf_counter() - began
    began, computed = time.perf_counter(), time.process_time()
    await stores.rosters.apply(mlist, lines, Wanted())
    applied, computed = time.perf_counter() - began, time.process_time() - computed
    again = await stores.rosters.preview(mlist, lines, Wanted())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert (plan.count(Change.ADDED), again.count(Change.KEPT)) == (_LINES, _LINES)
    print(
        f"{_LINES} lines: preview {previewed:.1f} s, apply {applied:.1f} s"
        f" ({computed:.1f} s of it computing here), {memory / 1e6:.0f} MB"
    )
    return previewed < _PREVIEW_LIMIT_S and applied < _APPLY_LIMIT_S and memory < _MEMORY_LIMIT


async def measured(where: Where) -> bool:
    """Whether everything on this database is as fast as was promised."""
    box = FernetBox(Fernet.generate_key().decode(), "the benchmark")
    async with open_stores(where, box) as stores:
        return all([await _recipients(stores), await _import(stores)])


def main(engine: str) -> int:
    """0 if everything is as fast as was promised."""
    if engine == "postgres":
        with postgres_server() as server:
            return int(not asyncio.run(measured(server.url(server.new_database()))))
    with tempfile.TemporaryDirectory() as folder:
        return int(not asyncio.run(measured(Path(folder) / "facteur.db")))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:] or ["sqlite"]))
