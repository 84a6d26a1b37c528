"""Ports of this machine: one for a server, and one on which there is none."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest


def free_ports(number: int) -> list[int]:
    """Ports for servers that cannot choose one themselves, or are to have the same one again."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports: list[int] = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port on which nothing listens, and nothing else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
