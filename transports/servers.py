"""The mail servers of lists: which client speaks to which account."""

from __future__ import annotations

import ssl
from functools import cached_property

from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.ports import Mailbox, MailSender
from transports.imap import ImapMailbox
from transports.smtp import SmtpSender


class MailServers:
    """Makes clients; certificates are verified against the system's authorities."""

    def __init__(self, *, idle: bool) -> None:
        """`idle`: use IMAP IDLE where a server has it."""
        self._idle = idle

    def mailbox(self, account: MailboxAccount) -> Mailbox:
        """A client for a mailbox; it connects when first used."""
        return ImapMailbox(account, tls=self._tls, idle=self._idle)

    def sender(self, account: SmtpAccount) -> MailSender:
        """A client for a relay; it connects when first used."""
        return SmtpSender(account, tls=self._tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()
