"""The real program as processes of their own, driven and watched from outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.app import local_person, open_app
from config.loading import load
from storage.engines import Where
from tests.support.patience import WAIT_S


@dataclass
class Service:
    """A running ``facteur``: its log lines are read as they come."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def logged(self, event: str, number: int = 1, **values: Any) -> dict[str, Any]:
        """The `number`th line of this event with these values, waited for."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line["event"] == event and values.items() <= line.items()]

        try:
            async with asyncio.timeout(WAIT_S), self._changed:
                await self._changed.wait_for(lambda: len(found()) >= number)
        except TimeoutError:
            raise AssertionError(f"never logged: {event} {values}, only {self.lines[-10:]}") from None
        return found()[number - 1]

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(self.process.wait(), WAIT_S)
        await self._reader
        return code

    async def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self.process.stderr
        async for raw in self.process.stderr:
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"event": raw.decode(errors="replace")}
            async with self._changed:
                self.lines.append(line)
                self._changed.notify_all()


class Program:
    """One installation in a folder of its own."""

    def __init__(
        self, folder: Path, configuration: str = "", environment: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.file = folder / "facteur.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(configuration)
        own = {key: value for key, value in os.environ.items() if not key.startswith("FACTEUR_")}
        self._environment = {**own, **(environment or {})}

    @property
    def database(self) -> Where:
        """Where this installation keeps everything."""
        url = load(self.file).database_url.get_secret_value()
        return url or self.folder / "data" / "facteur.db"

    async def start(
        self, *arguments: str, stderr: int = asyncio.subprocess.PIPE, **options: Any
    ) -> asyncio.subprocess.Process:
        """Start the program and leave it running."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "--config", str(self.file), *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=stderr, env=self._environment, **options,
        )  # fmt: skip

    async def run(self, *arguments: str, given: str = "") -> tuple[int, str, str]:
        """Run it to its end: exit code, standard output, standard error."""
        process = await self.start(*arguments, stdin=asyncio.subprocess.PIPE)
        out, err = await asyncio.wait_for(process.communicate(given.encode()), WAIT_S * 3)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def do(self, command: str) -> dict[str, Any]:
        """``facteur do --json``; the exit code agrees with ``ok``."""
        code, out, err = await self.run("do", command, "--json")
        assert out, err
        answer: dict[str, Any] = json.loads(out)
        assert code == (0 if answer["ok"] else 1), (code, answer)
        return answer

    async def rows(self, command: str) -> list[dict[str, Any]]:
        """The rows of a command that must succeed."""
        answer = await self.do(command)
        assert answer["ok"], answer["text"]
        rows: list[dict[str, Any]] = answer["rows"]
        return rows

    @asynccontextmanager
    async def serving(self, *arguments: str) -> AsyncIterator[Service]:
        """``facteur run`` while inside; stopped with SIGTERM if it still runs then."""
        service = Service(await self.start("run", *arguments))
        try:
            await service.logged("running")
            yield service
        finally:
            if service.process.returncode is None:
                await service.stop()

    async def beside(self, *commands: str) -> list[dict[str, Any]]:
        """The rows of the last of these commands, given from the test's own process: quicker than `do`."""
        rows: list[dict[str, Any]] = []
        async with open_app(load(self.file)) as app:
            for command in commands:
                done = await app.dispatcher.run_line(command, local_person())
                assert done.ok, done.text
                rows = [dict(row) for row in done.rows]
        return rows

    async def until(
        self, command: str, holds: Callable[[list[dict[str, Any]]], bool]
    ) -> list[dict[str, Any]]:
        """Ask again and again until the rows are as they should be."""
        async with asyncio.timeout(WAIT_S):
            while not holds(rows := await self.beside(command)):
                pass
        return rows


def installed(folder: Path, relay_port: int, names_port: int, database_url: str = "") -> Program:
    """An installation that speaks English, polls every second and sends in clear to a relay here.

    `names_port`: of the name server that it asks.
    """
    return Program(
        folder,
        f"""
        language = "en"
        database_url = "{database_url}"
        [poll]
        interval_s = 1
        [smtp]
        host = "127.0.0.1"
        port = {relay_port}
        security = "none"
        [dns]
        server = "127.0.0.1:{names_port}"
        """,
    )
