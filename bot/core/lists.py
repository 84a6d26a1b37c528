"""A mailing list and the accounts that its settings describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.core.addresses import Address, domain_of, local_part_of
from bot.core.errors import FacteurError, UnknownCertificate, UserError
from bot.core.people import Role
from bot.core.settings import ListSettings, MailProtocol, Security, folders_of
from bot.core.text import Text

_MAILBOX_PORTS = {
    (MailProtocol.IMAP, Security.SSL): 993,
    (MailProtocol.IMAP, Security.STARTTLS): 143,
    (MailProtocol.IMAP, Security.NONE): 143,
    (MailProtocol.POP3, Security.SSL): 995,
    (MailProtocol.POP3, Security.STARTTLS): 110,
    (MailProtocol.POP3, Security.NONE): 110,
}
_SMTP_PORTS = {Security.SSL: 465, Security.STARTTLS: 587, Security.NONE: 25}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server showed: ``host:port``, and the SHA-256 of its certificate in hexadecimal."""

    server: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the last contact with a server gave; both None before the first."""

    ok_at: datetime | None = None
    trouble: Text | None = None


@dataclass(frozen=True, slots=True)
class MailingList:
    """An address whose mail is re-posted to members.

    `own` holds the settings given for this list alone, by key; `settings` is the whole, with the
    defaults of the installation behind it. `version` rises with each change of either. `pins` are the
    certificates that were accepted so far, as `server_name` names their servers.
    """

    id: int
    address: Address
    settings: ListSettings
    own: dict[str, Any] = field(repr=False)
    version: int
    paused: bool
    created_at: datetime
    poll: Health = Health()
    smtp: Health = Health()
    pins: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def local_part(self) -> str:
        return local_part_of(self.address)

    @property
    def domain(self) -> str:
        return domain_of(self.address)

    @property
    def list_id(self) -> str:
        """The identifier between the angle brackets of List-Id (RFC 2919 section 3)."""
        return f"{self.local_part}.{self.domain}"

    @property
    def prefix(self) -> str:
        """What stands before subjects; empty for nothing."""
        return f"[{self.local_part}]" if self.settings.prefix is None else self.settings.prefix

    def bearers_of(self, role: Role) -> frozenset[Role]:
        """The roles whose holders count as having `role`: moderators may be members too."""
        also = set()
        if role is Role.MEMBER and self.settings.include_moderators:
            also.add(Role.MODERATOR)
        if role is Role.MEMBER and self.settings.include_unmoderated:
            also.add(Role.UNMODERATED)
        return frozenset({role, *also})


@dataclass(frozen=True, slots=True)
class MailboxAccount:
    """Where and how a list's mail is fetched; every empty setting already filled in.

    `pin` as in SmtpAccount.
    """

    host: str
    port: int
    protocol: MailProtocol
    security: Security
    username: str
    password: str = field(repr=False)
    folders: tuple[str, ...]
    after_intake: str
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """An outgoing account; two lists with the same `key` share its quota.

    `max_per_hour` and `max_per_day` count recipients, 0 = no limit. `pin` is the SHA-256, in
    hexadecimal, of the only certificate that is trusted, empty = none was accepted yet, so that nobody
    can log in; None = certificates are verified.
    """

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    max_per_hour: int = 0
    max_per_day: int = 0
    max_recipients: int = 50
    connections: int = 2
    pipelining: bool = True
    pin: str | None = None

    @property
    def key(self) -> str:
        return f"{self.username}@{self.host}:{self.port}"

    @property
    def sharing_key(self) -> tuple[str, str | None]:
        """Lists with the same `key` share its quota; with the same of these, its connections too."""
        return self.key, self.pin


@dataclass(frozen=True, slots=True)
class AccountState:
    """What a relay has told of an outgoing account.

    `max_octets` is the size of the largest mail it takes (RFC 1870), 0 = unknown or any. A quota reply
    pauses the account until `paused_until`, None = none did; `quota_reply` is what the relay said.
    """

    max_octets: int = 0
    paused_until: datetime | None = None
    quota_reply: str = ""

    def pause(self, now: datetime) -> datetime | None:
        """When the pause ends that holds now; None where mail may leave."""
        return self.paused_until if self.paused_until and self.paused_until > now else None


def certificate_of(error: FacteurError | None) -> Certificate | None:
    """The one that would have to be accepted, if that is all that stands in the way."""
    return Certificate(error.server, error.seen) if isinstance(error, UnknownCertificate) else None


def server_name(host: str, port: int) -> str:
    """A server as its pinned certificate is stored: ``host:port``."""
    return f"{host.lower()}:{port}"


def pin_for(mlist: MailingList, host: str, port: int) -> str | None:
    """Whether a list trusts that server by its certificate alone, and by which: see `SmtpAccount.pin`."""
    return mlist.pins.get(server_name(host, port), "") if mlist.settings.self_signed else None


def mailbox_account(mlist: MailingList) -> MailboxAccount:
    """The mailbox of a list."""
    settings = mlist.settings
    port = settings.port or mailbox_port(settings.protocol, settings.security)
    return MailboxAccount(
        host=settings.host,
        port=port,
        protocol=settings.protocol,
        security=settings.security,
        username=settings.username or mlist.address,
        password=settings.password.get_secret_value(),
        folders=folders_of(settings),
        after_intake=settings.after_intake,
        pin=pin_for(mlist, settings.host, port),
    )


def refuse_shared_mailboxes(lists: Iterable[MailingList]) -> None:
    """Two lists on one folder would take each other's mail.

    Raises:
        UserError: names the two lists.
    """
    readers: dict[tuple[str, str, str], MailingList] = {}
    for mlist in lists:
        account = mailbox_account(mlist)
        for folder in account.folders if account.host else ():
            place = (account.host.casefold(), account.username.casefold(), folder_name(folder))
            first = readers.setdefault(place, mlist)
            if first is not mlist:
                raise UserError(
                    Text(
                        "{list} and {other} would read the same mailbox: give one of them another folder=",
                        list=first.address,
                        other=mlist.address,
                    )
                )


def folder_name(folder: str) -> str:
    """INBOX is the one name that may be written in any case (RFC 3501 section 5.1)."""
    return "INBOX" if folder.upper() == "INBOX" else folder


def mailbox_port(protocol: MailProtocol, security: Security) -> int:
    """The customary port (RFC 8314 section 3.2, RFC 3501, RFC 1939)."""
    return _MAILBOX_PORTS[protocol, security]


def smtp_port(security: Security) -> int:
    """The customary submission port (RFC 8314 section 3.3, RFC 6409, RFC 5321)."""
    return _SMTP_PORTS[security]
