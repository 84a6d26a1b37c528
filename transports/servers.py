"""The mail servers of lists: which client speaks to which account."""

from __future__ import annotations

import ssl
from functools import cached_property

from bot.core.lists import MailboxAccount, SmtpAccount, mailbox_port, smtp_port
from bot.core.ports import Mailbox, MailSender
from bot.core.settings import MailProtocol, Security
from transports.greeting import greeted
from transports.imap.mailbox import ImapMailbox
from transports.pinning import pinned
from transports.pop3.mailbox import Pop3Mailbox
from transports.smtp.sender import SmtpSender
from transports.trouble import Server, ServiceName

_SERVICES: dict[MailProtocol | None, ServiceName] = {
    MailProtocol.IMAP: "IMAP",
    MailProtocol.POP3: "POP3",
    None: "SMTP",
}


class MailServers:
    """Makes clients; each connects when first used."""

    def __init__(self, *, idle: bool, tls: ssl.SSLContext | None = None, timeout_s: float = 30.0) -> None:
        """Certificates are verified, except those of accounts that pin one.

        Args:
            idle: use IMAP IDLE where a server has it.
            tls: whom to trust; None = the system's authorities.
            timeout_s: how long a mailbox may be silent; a relay, which looks up each recipient, twice that.
        """
        self._idle = idle
        self._given_tls = tls
        self._timeout_s = timeout_s

    def mailbox(self, account: MailboxAccount) -> Mailbox:
        """A client for a mailbox."""
        if account.protocol is MailProtocol.POP3:
            return Pop3Mailbox(account, tls=self._trust(account.pin), timeout_s=self._timeout_s)
        return ImapMailbox(account, tls=self._trust(account.pin), timeout_s=self._timeout_s, idle=self._idle)

    def sender(self, account: SmtpAccount) -> MailSender:
        """A client for a relay."""
        return SmtpSender(account, tls=self._trust(account.pin), timeout_s=2 * self._timeout_s)

    async def greets(self, host: str, protocol: MailProtocol | None, security: Security) -> None:
        """As the port says."""
        port = mailbox_port(protocol, security) if protocol else smtp_port(security)
        service = _SERVICES[protocol]
        tls = self._tls if security is Security.SSL else None
        await greeted(Server(service, host, port, security), tls, self._timeout_s)

    def _trust(self, pin: str | None) -> ssl.SSLContext:
        return self._tls if pin is None else pinned(pin)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()
