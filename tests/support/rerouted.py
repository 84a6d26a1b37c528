"""The servers of the world, as far as they are on this machine: the names are the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from typing_extensions import override

from bot.core.errors import ServerTrouble, Trouble
from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.ports import Mailbox, MailSender, Servers
from bot.core.settings import MailProtocol, Security
from bot.core.text import Text
from tests.support.certificates import certificates
from transports.servers import MailServers

IMAP, POP3 = MailProtocol.IMAP, MailProtocol.POP3


@dataclass
class Rerouted(Servers):
    """`doors`: by name and protocol (None = a relay), the port here and how it is encrypted there.

    Other names are as they are.
    """

    doors: dict[tuple[str, MailProtocol | None], tuple[int, Security]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._servers = MailServers(idle=False, tls=certificates().client_context())

    def distrust(self) -> None:
        """From now on nobody knows who signed the certificates here."""
        self._servers = MailServers(idle=False)

    @override
    def mailbox(self, account: MailboxAccount) -> Mailbox:
        if (account.host, account.protocol) not in self.doors:
            return self._servers.mailbox(account)
        port, security = self.doors[account.host, account.protocol]
        return self._servers.mailbox(replace(account, host="localhost", port=port, security=security))

    @override
    def sender(self, account: SmtpAccount) -> MailSender:
        if (account.host, None) not in self.doors:
            return self._servers.sender(account)
        port, security = self.doors[account.host, None]
        return self._servers.sender(replace(account, host="localhost", port=port, security=security))

    @override
    async def greets(self, host: str, protocol: MailProtocol | None, security: Security) -> None:
        if self.doors.get((host, protocol), (0, None))[1] is not security:
            raise ServerTrouble(Trouble.NAME, Text("There is no server called {host}.", host=host))
