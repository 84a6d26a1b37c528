"""The demonstration's mailbox: a real IMAP server (pymap) in this process, without root or network.

pymap keeps the mails in memory and speaks enough IMAP for a mailbox that is read: login, UID FETCH,
UIDPLUS, MOVE, IDLE. It is no server for anything else.
"""

from __future__ import annotations

import asyncio
import secrets
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Login
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext
from typing_extensions import override

from bot.demo.posts import LIST

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class DemoMailbox:
    """Where to log in (in clear, `HOST` only), and a way to put mail there."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    _login: Login = field(repr=False)

    async def deliver(self, raw: bytes) -> None:
        """Put a mail into the inbox, as a mail server does; a client in IDLE is told."""
        async with self._login.demo_user_identity.new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            await inbox.append(AppendMessage(raw, datetime.now(UTC), frozenset()), recent=True)

    async def count(self) -> int:
        """How many mails lie in the inbox."""
        async with self._login.demo_user_identity.new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            return (await inbox.snapshot()).exists


@asynccontextmanager
async def demo_mailbox(username: str = LIST) -> AsyncIterator[DemoMailbox]:
    """An empty mailbox on a free port, with a password of its own, while the context lasts."""
    password = secrets.token_urlsafe()
    login = await _login(username, password)
    answer = IMAPServer(login, login.config)
    conversations: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(answer(reader, writer, SocketInfo.get(writer, None)))
        conversations.add(conversation)
        conversation.add_done_callback(conversations.discard)

    server = await asyncio.start_server(begin, HOST, 0)
    try:
        yield DemoMailbox(HOST, server.sockets[0].getsockname()[1], username, password, login)
    finally:
        server.close()
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()


class _Config(Config):
    @property
    @override
    def greeting(self) -> bytes:
        return b"demonstration of facteur"  # pymap's own looks this machine's name up in the DNS


async def _login(username: str, password: str) -> Login:
    config = _Config(
        Namespace(passlib_cfg=None, proxy_protocol=None),
        host=HOST,
        port=0,
        tls_enabled=False,
        demo_data=False,
        demo_user=username,
        demo_password=password,
        hash_context=Cleartext(),  # the password lives as long as the process
        cpu_subsystem=Subsystem.for_asyncio(),
    )
    login = Login(config)
    await login.demo_user_identity.set(UserMetadata(config, username, password=password))
    return login
