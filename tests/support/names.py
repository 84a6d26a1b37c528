"""A name server on this machine: what it publishes is said by the test."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from typing_extensions import override

from tests.support.patience import WAIT_S


@dataclass(eq=False)
class NameServer(asyncio.DatagramProtocol):
    """Answers over UDP; a name without records does not exist.

    `silent`: names that get no answer at all. `broken`: names that get SERVFAIL.
    """

    port: int = 0
    records: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    others: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    silent: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    ttl_s: int = 60

    def publish(self, name: str, *texts: str) -> None:
        """TXT records, in quotes as zone files have them where they are several strings."""
        self.records[name.lower()] += texts

    def names_servers(self, kind: str, name: str, *records: str) -> None:
        """SRV or MX records, as zone files have them."""
        self.records.setdefault(name.lower(), [])
        self.others[kind, name.lower()] += records

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        if name in self.silent:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif self.records[name] and question.rdtype == dns.rdatatype.TXT:
            texts = [text if text.startswith('"') else f'"{text}"' for text in self.records[name]]
            answer.answer.append(dns.rrset.from_text(question.name, self.ttl_s, "IN", "TXT", *texts))
        elif found := self.others.get((dns.rdatatype.to_text(question.rdtype), name)):
            answer.answer.append(
                dns.rrset.from_text(question.name, self.ttl_s, "IN", question.rdtype, *found)
            )
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    """One that knows no names yet."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()


@pytest.fixture(scope="session")
def no_names() -> Iterator[int]:
    """The port of a name server that knows no name, for programs in processes of their own."""
    ready: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = queue.Queue()

    async def serve() -> None:
        leaving = asyncio.Event()
        async with name_server() as server:
            ready.put((asyncio.get_running_loop(), leaving, server.port))
            await leaving.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, leaving, port = ready.get(timeout=WAIT_S)
    yield port
    loop.call_soon_threadsafe(leaving.set)
    thread.join(WAIT_S)


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    """A name server for one test."""
    async with name_server() as server:
        yield server
