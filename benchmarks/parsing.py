"""What the worst mails cost: ``python -m benchmarks.parsing [SHAPE...]``.

Each is taken in, shown, read by a moderator and distributed, in a process of its own (SQLite, servers
in memory, a name server that knows every name). Prints seconds and megabytes of each step and their
greatest ratio to the limits; exits 1 if one is over them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.app import App, local_person, open_app
from bot.core.chat import Place, Press
from bot.core.deliveries import Envelope, Outcome, RecipientResult
from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.ports import Fetched, Service
from bot.core.posts import Cursor
from config.settings import Settings
from tests.support.hostile import SHAPES
from transports.smtp.content import prepared

LIMIT_S, LIMIT_MB = 2.0, 200.0
_GIVEN_UP_S = 180
_SMALL = b"From: anne@example.org\r\nDKIM-Signature: d=example.org; s=s\r\nSubject: x\r\n\r\nil reste\r\n"
_KEY = (
    rsa.generate_private_key(65_537, 2_048)
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
_PEAK = Path("/proc/self/clear_refs")


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

    async def _measured(self, name: str, step: asyncio.Task[None]) -> None:
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


async def _costs(file: Path) -> dict[str, tuple[float, float]]:
    """Seconds and megabytes of each step."""
    servers = _InMemory()
    with tempfile.TemporaryDirectory() as folder:
        async with open_app(Settings(data_dir=Path(folder)), dns=_Names(), servers=servers) as app:
            steps = _Steps(app, servers)
            await steps.said(
                "/addlist adherents@amap.example moderation=all auth_host=mx.example.org"
                " host=127.0.0.1 password=x undo_s=0 smtp_host=127.0.0.1"
            )
            await steps.said("/addmember adherents anne@example.org")
            small = Path(folder) / "small"
            small.write_bytes(_SMALL)
            await steps.go(small, 1)  # what a first mail costs is no matter of its shape
            await steps.go(file, 2)
    return steps.costs


def _resident_mb(what: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{what}:")[2].split()[0]) / 1000


def _in_a_process(name: str) -> dict[str, tuple[float, float]] | None:
    """The costs of one shape; None if it failed or was given up."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(SHAPES[name]())
        file.flush()
        command = [sys.executable, "-m", "benchmarks.parsing", "--file", file.name]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, timeout=_GIVEN_UP_S, check=True)
        except subprocess.SubprocessError as error:
            print(error)
            return None
    return json.loads(done.stdout)  # type: ignore[no-any-return]  # as `main` wrote it


def main() -> int:
    """Measure and print."""
    if sys.argv[1:2] == ["--file"]:
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        print(json.dumps(asyncio.run(_costs(Path(sys.argv[2])))))
        return 0
    worst = 0.0
    for name in sys.argv[1:] or SHAPES:
        costs = _in_a_process(name)
        if costs is None:
            worst = 99.0
            print(f"{name:45} FAILED")
            continue
        ratio = max(max(s / LIMIT_S, mb / LIMIT_MB) for s, mb in costs.values())
        worst = max(worst, ratio)
        each = ", ".join(f"{step} {s:.2f} s {mb:.0f} MB" for step, (s, mb) in costs.items())
        print(f"{name:45} ratio {ratio:5.2f}: {each}", flush=True)
    return int(worst > 1)


if __name__ == "__main__":
    sys.exit(main())
