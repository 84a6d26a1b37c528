"""A real PostgreSQL on a free loopback port, started once for the test session.

It needs the Debian package postgresql; as root it runs as the user postgres, who comes with it.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from storage.database import migrate
from tests.support.patience import WAIT_S
from tests.support.ports import free_ports
from tests.support.requirements import missing_server

_TEMPLATE = "template_facteur"
_OPTIONS = ("fsync=off", "full_page_writes=off", "max_connections=200")


T = TypeVar("T")


@dataclass(slots=True)
class Postgres:
    """A running server; every test has a database of its own in it."""

    binaries: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        return f"postgres://facteur@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make the cluster, and the database that all others are copies of."""
        self._run("initdb", "-D", "data", "-U", "facteur", "-A", "trust", "-E", "UTF8", "--no-sync",
                  "--locale=C.UTF-8")  # fmt: skip
        self.start()
        self.execute(f"CREATE DATABASE {_TEMPLATE}")
        in_a_thread(migrate(self.url(_TEMPLATE)))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [word for option in _OPTIONS for word in ("-c", option)]
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", "data", "-h", "127.0.0.1", "-p", str(self.port),
                 "-k", str(self.folder), *options],
                stdout=log, stderr=log, **self._as_its_user(),
            )  # fmt: skip
        ready = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        deadline = threading.Event()
        timer = threading.Timer(WAIT_S, deadline.set)
        timer.start()
        while subprocess.run(ready, check=False).returncode:
            if deadline.is_set() or self.process.poll() is not None:
                raise AssertionError((self.folder / "postgres.log").read_text())
        timer.cancel()

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Cut every connection and end (SIGINT); SIGQUIT: without a clean-up, as in a crash."""
        assert self.process
        self.process.send_signal(number)
        self.process.wait(WAIT_S)

    def restart(self) -> None:
        """As a package upgrade does."""
        self.stop()
        self.start()

    def new_database(self) -> str:
        """The name of a new database with the current schema and nothing in it."""
        name = f"test_{next(self.numbers)}"
        # before 15 that was the only way, without a name; without fsync it is the quicker one
        strategy = "STRATEGY FILE_COPY" if int(self.binaries.parts[4]) >= 15 else ""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} {strategy}")
        return name

    def empty_database(self) -> str:
        """The name of a new database without a schema."""
        name = f"test_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop(self, name: str) -> None:
        """Whoever is still connected is cut off."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """The rows of a statement."""
        return in_a_thread(execute(self.url(database), statement))

    def dump(self, database: str, *options: str) -> str:
        """Everything in a database, as SQL."""
        command = [str(self.binaries / "pg_dump"), *options, "--dbname", self.url(database)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as_its_user())

    def _as_its_user(self) -> dict[str, Any]:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        options: dict[str, Any] = {"cwd": self.folder, "env": environment}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            options |= {"user": "postgres", "group": "postgres", "extra_groups": []}
        return options


async def execute(url: str, statement: str) -> list[Any]:
    """One statement on a connection of its own; its rows."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


def in_a_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where a loop runs already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        missing_server("PostgreSQL is not installed (Debian package postgresql)")
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            missing_server("there is no user postgres, as whom PostgreSQL could run")
    return found[-1].parent


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server in a folder of its own."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="facteur-postgres-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    [port] = free_ports(1)
    server = Postgres(binaries, folder, port)
    try:
        server.initialise()
        yield server
    finally:
        if server.process:
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server of the session."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def mortal_postgres() -> Iterator[Postgres]:
    """A server of the test's own, which it may stop."""
    with postgres_server() as server:
        yield server
