"""Stops the real program between any two of its log lines, so that it can be killed right there.

The program writes one line per hop, each with one write to its standard error. Here that is a pipe in
packet mode with room for a single line (Linux, pipe(2), O_DIRECT): while that line is not read, the
program stands still in its next write, with all that comes before it done and nothing of what comes
after it begun.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import select
import signal
import time
from pathlib import Path

from tests.support.patience import WAIT_S
from tests.support.program import Program

_PAGE = 4096  # the smallest pipe: one packet


class Stepped:
    """``facteur run``, going on only as far as it is let."""

    def __init__(self, process: asyncio.subprocess.Process, log: int) -> None:
        self._process = process
        self._log = log
        self.seen: list[str] = []

    @classmethod
    async def start(cls, program: Program) -> Stepped:
        """Start the service; it stands still behind its first log line."""
        read_end, write_end = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PAGE)
        process = await program.start("run", stderr=write_end)
        os.close(write_end)
        return cls(process, read_end)

    async def kill_behind(self, event: str) -> None:
        """Kill it when it has logged `event` and stands at its next line, that line not written."""
        await asyncio.wait_for(asyncio.to_thread(self._go_on_until, event), 2 * WAIT_S)
        self._process.kill()
        await self._process.wait()
        os.close(self._log)

    def _go_on_until(self, event: str) -> None:
        """A line can only be looked at by reading it, which makes room: so the program is stopped first."""
        while True:
            self._wait_until_it_stands()
            self._process.send_signal(signal.SIGSTOP)
            line = os.read(self._log, _PAGE)
            self.seen.append(str(json.loads(line)["event"]) if line.startswith(b"{") else line.decode())
            if self.seen[-1] == event:
                return
            self._process.send_signal(signal.SIGCONT)

    def _wait_until_it_stands(self) -> None:
        """A line lies in the pipe, and the program waits in the write of another."""
        deadline = time.monotonic() + WAIT_S
        waiting = Path(f"/proc/{self._process.pid}/wchan")
        while not (select.select([self._log], [], [], 0)[0] and "pipe_write" in waiting.read_text()):
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not log anything more after {self.seen}")
            os.sched_yield()
