"""What a service with one list costs while nothing happens, and how soon it notices something.

    python -m benchmarks.service [--idle SECONDS]

Starts the real program on the demonstration's mail servers (no root, no network) and prints each
figure beside its limit; exits 1 if one is over it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

from bot.app import App, local_person, open_app
from bot.demo.mailbox import DemoMailbox, demo_mailbox
from bot.demo.posts import LIST
from bot.demo.relay import DemoRelay, demo_relay
from config.loading import load

LIMITS = {"start_s": 2.0, "memory_mb": 80.0, "cpu_percent": 1.0, "notice_ms": 300.0}
ROUNDS = 10


async def measured(idle_s: float) -> dict[str, float]:
    """Every figure of `LIMITS`."""
    with tempfile.TemporaryDirectory() as name:
        async with demo_mailbox() as mailbox, demo_relay() as relay:
            file = Path(name) / "facteur.toml"
            file.write_text(
                f'[smtp]\nhost = "{relay.host}"\nport = {relay.port}\nsecurity = "none"\n', encoding="utf-8"
            )
            async with open_app(load(file)) as beside:
                await _add_list(beside, mailbox)
                began = time.monotonic()
                service = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "bot", "--config", str(file), "run", stderr=asyncio.subprocess.PIPE
                )
                assert service.stderr
                await _logged(service.stderr, "running")
                figures = {"start_s": time.monotonic() - began}
                await _until_polled(beside)
                figures |= await _idle(service.pid, idle_s)
                figures["notice_ms"] = await _notices(beside, mailbox, relay, service.stderr)
                service.terminate()
                await service.communicate()
    return figures


async def _add_list(app: App, mailbox: DemoMailbox) -> None:
    for command in (
        (
            f"/addlist {LIST} host={mailbox.host} port={mailbox.port} security=none "
            f"username={mailbox.username} password={mailbox.password} moderation=all undo_s=0"
        ),
        f"/addmember {LIST} anne@example.org",
    ):
        done = await app.dispatcher.run_line(command, local_person())
        assert done.ok, done.text


async def _logged(lines: asyncio.StreamReader, event: str) -> dict[str, Any]:
    async for line in lines:
        found: dict[str, Any] = json.loads(line)
        if found["event"] == event:
            return found
    raise RuntimeError(f"never logged: {event}")


async def _until_polled(app: App) -> None:
    while (await app.stores.lists.all())[0].poll.ok_at is None:
        await asyncio.sleep(0.05)


async def _idle(pid: int, seconds: float) -> dict[str, float]:
    """Resident memory, and the processor's time while nothing happens."""
    await asyncio.sleep(2)
    before = _cpu_s(pid)
    await asyncio.sleep(seconds)
    return {"memory_mb": _resident_mb(pid), "cpu_percent": 100 * (_cpu_s(pid) - before) / seconds}


async def _notices(app: App, mailbox: DemoMailbox, relay: DemoRelay, log: asyncio.StreamReader) -> float:
    """From the commit of a decision in another process to the claim of its delivery; the median."""
    waits = []
    for number in range(1, ROUNDS + 1):
        body = f"From: a@example.net\r\nMessage-ID: <{number}@x>\r\n\r\n{number}\r\n"
        await mailbox.deliver(body.encode())
        await _logged(log, "settled")
        done = await app.dispatcher.run_line(f"/distribute {number}", local_person())
        decided = time.monotonic()
        assert done.ok, done.text
        await _logged(log, "claimed")
        waits.append(1000 * (time.monotonic() - decided))
        await relay.wait_for(number)
    return statistics.median(waits)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=float, default=30.0, metavar="SECONDS")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures = asyncio.run(measured(parser.parse_args().idle))
    for name, limit in LIMITS.items():
        print(f"{name:12} {figures[name]:8.2f}   limit {limit:6.1f}   ratio {figures[name] / limit:.2f}")
    return int(any(figures[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
