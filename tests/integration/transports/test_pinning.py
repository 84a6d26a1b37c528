"""A server that is trusted by one certificate: that one whatever it says, no other, and before any login."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.errors import ServerTrouble, Trouble, UnknownCertificate
from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.settings import Security
from tests.support.certificates import certificates, renew, sha256_of
from tests.support.patience import WAIT_S
from tests.support.scripted_imap import Act, scripted_imap
from tests.support.scripted_pop3 import scripted_pop3
from tests.support.smtp_server import SmtpServer
from transports.servers import MailServers


@dataclass(frozen=True, slots=True)
class Peer:
    """A server with TLS; `commands` tells what clients said to it."""

    account: MailboxAccount | SmtpAccount
    context: ssl.SSLContext
    commands: Callable[[], str]

    async def use(self, pin: str | None) -> None:
        """Log in with that certificate pinned. Raises ServerTrouble."""
        servers = MailServers(idle=False, timeout_s=WAIT_S)
        match self.account:
            case MailboxAccount():
                mailbox = servers.mailbox(replace(self.account, pin=pin))
                try:
                    await mailbox.listing()
                finally:
                    await mailbox.close()
            case SmtpAccount():
                sender = servers.sender(replace(self.account, pin=pin))
                try:
                    await sender.check()
                finally:
                    await sender.close()


async def imap_peer(stack: AsyncExitStack, security: Security) -> Peer:
    context = certificates().server_context()
    server = await stack.enter_async_context(scripted_imap(context if security is Security.SSL else None))
    server.capabilities, server.tls = "STARTTLS", context
    server.answer("^STARTTLS", b"TAG OK begin\r\n", Act.START_TLS)
    return Peer(server.account(security), context, lambda: "\n".join(server.commands))


async def pop3_peer(stack: AsyncExitStack, security: Security) -> Peer:
    context = certificates().server_context()
    server = await stack.enter_async_context(scripted_pop3(context if security is Security.SSL else None))
    server.capabilities, server.tls = "STLS USER UIDL", context
    server.answer("STLS", b"+OK begin\r\n", Act.START_TLS)
    return Peer(server.account(security), context, lambda: "\n".join(server.commands))


async def smtp_peer(stack: AsyncExitStack, security: Security) -> Peer:
    context = certificates().server_context()
    server = SmtpServer(security=security, users={"bot": "s3cret"}, server_context=context)
    await stack.enter_async_context(server.listening())
    return Peer(server.account(), context, lambda: "\n".join(server.commands))


MAKERS: dict[str, Callable[[AsyncExitStack, Security], Awaitable[Peer]]] = {
    "imap": imap_peer,
    "pop3": pop3_peer,
    "smtp": smtp_peer,
}


@pytest.fixture(params=[(name, how) for name in MAKERS for how in (Security.SSL, Security.STARTTLS)], ids=str)
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    """Each protocol, encrypted from the first octet and by STARTTLS."""
    name, security = request.param
    async with AsyncExitStack() as stack:
        yield await MAKERS[name](stack, security)


def logged_in(peer: Peer) -> bool:
    return any(word in peer.commands() for word in ("LOGIN", "AUTH", "USER", "PASS"))


async def test_the_pinned_certificate_is_trusted_whoever_signed_it(peer: Peer) -> None:
    """This system does not know the tests' authority."""
    with pytest.raises(ServerTrouble) as raised:
        await peer.use(None)
    assert raised.value.trouble is Trouble.CERTIFICATE
    assert "self_signed=yes trusts this very certificate" in str(raised.value)

    await peer.use(sha256_of(peer.context))
    assert logged_in(peer)


async def test_the_pinned_certificate_is_trusted_whatever_its_name_and_dates(peer: Peer) -> None:
    past = datetime.now(UTC) - timedelta(days=9)
    renew(peer.context, "elsewhere.example", not_before=past, not_after=past + timedelta(days=1))
    await peer.use(sha256_of(peer.context))
    assert logged_in(peer)


async def test_another_certificate_is_refused_before_any_login(peer: Peer) -> None:
    pin = sha256_of(peer.context)
    renew(peer.context)
    shown = sha256_of(peer.context)
    assert pin != shown

    with pytest.raises(UnknownCertificate) as raised:
        await peer.use(pin)

    assert not logged_in(peer)
    assert (raised.value.pinned, raised.value.seen) == (pin, shown)
    assert raised.value.server == f"{peer.account.host}:{peer.account.port}"
    for sha256 in (pin, shown):
        assert f"{sha256[:2]}:{sha256[2:4]}:".upper() in str(raised.value)
    assert "/check LIST accept=yes" in str(raised.value)


async def test_without_any_pin_the_certificate_is_only_looked_at(peer: Peer) -> None:
    with pytest.raises(UnknownCertificate) as raised:
        await peer.use("")
    assert (raised.value.pinned, raised.value.seen) == ("", sha256_of(peer.context))
    assert not logged_in(peer)
    assert "/check LIST accepts that" in str(raised.value)
