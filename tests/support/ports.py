"""Ports of this machine: one for a server, and one on which there is none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import SystemRandom

import pytest

_HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(number: int) -> list[int]:
    """Ports for servers that cannot choose one themselves, or are to have the same one again.

    They are none that the system hands out to others meanwhile: some servers take seconds to begin.
    """
    end = int(_HANDED_OUT.read_text().split()[0]) if _HANDED_OUT.exists() else 32_768
    with ExitStack() as held:
        found: list[int] = []
        for port in SystemRandom().sample(range(end // 2, end), end // 2):
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
            if len(found) == number:
                return found
    raise AssertionError("every port is taken")


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port on which nothing listens, and nothing else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
