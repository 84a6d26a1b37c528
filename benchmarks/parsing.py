"""What the worst mails cost: ``python -m benchmarks.parsing [SHAPE...]``; all of them in some minutes.

Each is taken in, shown, read by a moderator and distributed, to a relay without 8BITMIME too, in a process
of its own (SQLite, servers in memory, a name server that knows every name). Prints a table of the seconds of
the processor and the megabytes at the peak of each step, with their greatest ratio to the limits, then the
worst; exits 1 if one is over them, or cannot be handled at all.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias, cast

import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.app import App, local_person, open_app
from bot.core.chat import Place, Press
from bot.core.deliveries import Envelope, Outcome, RecipientResult
from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.ports import Fetched, Service
from bot.core.posts import Cursor
from bot.core.settings import MailProtocol, Security
from config.settings import Settings
from tests.support.hostile import SHAPES
from transports.smtp.content import prepared
from transports.smtp.sevenbit import seven_bit

Costs: TypeAlias = Mapping[str, tuple[float, float]]
"""Seconds and megabytes of each step."""

LIMIT_S, LIMIT_MB = 2.0, 200.0
_STEPS = ("taken in", "shown", "read", "decided", "sent")
_WORST_SHOWN = 10
_GIVEN_UP_S = 180
_SMALL = b"From: anne@example.org\r\nDKIM-Signature: d=example.org; s=s\r\nSubject: x\r\n\r\nil reste\r\n"
_KEY = (
    rsa.generate_private_key(65_537, 2_048)
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
_PEAK = Path("/proc/self/clear_refs")
_FORKING = get_context("fork")
"""Each process has everything imported already."""


class _Names:
    """Every name has a record."""

    async def texts(self, name: str) -> Sequence[str] | None:
        key = f"v=DKIM1; p={base64.b64encode(_KEY).decode()}"
        return [key if "_domainkey" in name else "v=DMARC1; p=reject"]

    async def services(self, name: str) -> Sequence[Service] | None:
        return []

    async def exchanges(self, domain: str) -> Sequence[str] | None:
        return []


@dataclass
class _InMemory:
    """The mailbox and the relay of one list: a mail is there until it was taken in."""

    files: list[Path] = field(default_factory=list)
    max_octets: int | None = 0

    def mailbox(self, account: MailboxAccount) -> _InMemory:
        return self

    def sender(self, account: SmtpAccount) -> _InMemory:
        return self

    async def greets(self, host: str, protocol: MailProtocol | None, security: Security) -> None: ...

    async def listing(self) -> Sequence[Cursor]:
        return [Cursor("INBOX", "1", file.name) for file in self.files]

    async def arrived_since(self, day: date, cursors: Collection[Cursor]) -> Collection[Cursor]:
        return cursors

    async def fetch(self, cursors: Sequence[Cursor]) -> AsyncIterator[Fetched]:
        for cursor in cursors:
            yield Fetched(cursor, next(file for file in self.files if file.name == cursor.uid).read_bytes())

    async def settle(self, cursors: Sequence[Cursor]) -> None:
        self.files.clear()

    async def wait(self, timeout_s: float) -> None:
        await asyncio.sleep(timeout_s)

    async def send(self, envelope: Envelope, content: bytes) -> Sequence[RecipientResult]:
        assert prepared(content).octets
        seven_bit(content)
        return [RecipientResult(each, Outcome.DELIVERED, 250, "") for each in envelope.recipients]

    async def check(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class _Steps:
    """Does one thing after the other, and notes what each cost."""

    app: App
    servers: _InMemory
    costs: dict[str, tuple[float, float]] = field(default_factory=dict)

    async def go(self, file: Path, number: int) -> None:
        """The whole way of a mail, which gets this number."""
        self.servers.files.append(file)
        await self._measured("taken in", self._pass())
        post = await self.app.stores.posts.get(number)
        assert post.rule != "unreadable", post
        await self._measured("shown", self.said(f"/show {number}"))
        await self._measured("read", self._pressed(f"read:{number}:0"))
        if post.state.value == "held":
            await self._measured("decided", self.said(f"/distribute {number}"))
            await self._measured("sent", self._pass())
            assert (await self.app.stores.posts.get(number)).state.value == "distributed"

    async def _measured(self, name: str, step: Coroutine[None, None, None]) -> None:
        _PEAK.write_text("5", encoding="ascii")  # it begins anew
        before, began = _resident_mb("VmRSS"), time.process_time()
        await step
        self.costs[name] = (time.process_time() - began, _resident_mb("VmHWM") - before)

    async def _pass(self) -> None:
        assert not await self.app.service.one_pass()

    async def said(self, command: str) -> None:
        done = await self.app.dispatcher.run_line(command, local_person())
        assert done.ok, done.text

    async def _pressed(self, data: str) -> None:
        place = Place("terminal", "console", private=True)
        assert (await self.app.dispatcher.pressed(Press(local_person(), place, data))).screens


async def _costs(file: Path) -> Costs:
    """Of the mail in the file."""
    servers = _InMemory()
    with tempfile.TemporaryDirectory() as folder:
        async with open_app(Settings(data_dir=Path(folder)), dns=_Names(), servers=servers) as app:
            steps = _Steps(app, servers)
            await steps.said(
                "/addlist adherents@amap.example moderation=all auth_host=mx.example.org"
                " host=127.0.0.1 password=x undo_s=0 smtp_host=127.0.0.1"
            )
            await steps.said("/ban /(x+x+)+y/ adherents")
            await steps.said("/addmember adherents anne@example.org")
            small = Path(folder) / "small"
            small.write_bytes(_SMALL)
            await steps.go(small, 1)  # what a first mail costs is no matter of its shape
            await steps.go(file, 2)
    return steps.costs


def _resident_mb(what: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{what}:")[2].split()[0]) / 1000


def _in_a_process(name: str) -> Costs | None:
    """The costs of one shape; None if it failed or was given up."""
    with tempfile.NamedTemporaryFile() as file:
        writing = _FORKING.Process(target=_write, args=(name, Path(file.name)))
        writing.start()
        writing.join()
        here, there = _FORKING.Pipe(duplex=False)
        process = _FORKING.Process(target=_measure, args=(Path(file.name), there))
        process.start()
        there.close()
        try:
            return cast("Costs", here.recv()) if here.poll(_GIVEN_UP_S) else None
        except EOFError:
            return None  # it told why on its standard error
        finally:
            process.kill()
            process.join()


def _write(name: str, file: Path) -> None:
    """In a process too, which takes with it the room that it needed."""
    file.write_bytes(SHAPES[name]())


def _measure(file: Path, answer: Connection) -> None:
    answer.send(asyncio.run(_costs(file)))


def _ratio(costs: Costs | None) -> float:
    """The greatest part of a limit that a step takes."""
    if costs is None:
        return math.inf
    return max(max(seconds / LIMIT_S, megabytes / LIMIT_MB) for seconds, megabytes in costs.values())


def _row(name: str, costs: Costs | None) -> str:
    cells = [_cell(*costs[step]) if costs and step in costs else "" for step in _STEPS]
    return f"{name:50} {_ratio(costs):5.2f} " + " ".join(f"{cell:>13}" for cell in cells)


def _cell(seconds: float, megabytes: float) -> str:
    return f"{seconds:.2f} s {max(megabytes, 0):3.0f} MB"


def main() -> int:
    """Measure and print."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    title = f"{'shape':50} ratio " + " ".join(f"{step:>13}" for step in _STEPS)
    print(title)
    measured: dict[str, Costs | None] = {}
    for name in sys.argv[1:] or SHAPES:
        measured[name] = _in_a_process(name)
        print(_row(name, measured[name]), flush=True)
    worst = sorted(measured, key=lambda name: _ratio(measured[name]), reverse=True)
    print(f"\nThe worst of {len(measured)}, limits {LIMIT_S:.0f} s and {LIMIT_MB:.0f} MB:\n{title}")
    print("\n".join(_row(name, measured[name]) for name in worst[:_WORST_SHOWN]))
    return int(_ratio(measured[worst[0]]) > 1)


if __name__ == "__main__":
    sys.exit(main())
