"""What the flow and the chat ask of the outside: mailboxes, relays, rooms. `bot.core.stores` has storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from bot.core.chat import Answer, Place, Press, Screen, Utterance
from bot.core.deliveries import Envelope, RecipientResult
from bot.core.errors import FacteurError
from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.people import Actor
from bot.core.posts import Cursor
from bot.core.settings import MailProtocol, Security
from bot.core.text import Text


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail as it was on the wire, or why this one could not be had."""

    cursor: Cursor
    raw: bytes = field(default=b"", repr=False)
    error: FacteurError | None = None


class Mailbox(Protocol):
    """The mailbox of one list, connected when first needed and kept connected.

    Every method raises ServerTrouble when the server cannot be used; the next call starts afresh.
    One task uses it at a time. Nothing waits longer than the time limits of the implementation.
    """

    async def listing(self) -> Sequence[Cursor]:
        """Every mail in the account's folders, oldest first within a folder, as of now."""
        ...

    async def arrived_since(self, day: date, cursors: Collection[Cursor]) -> Collection[Cursor]:
        """Those of the mails that came into the mailbox on that day or later, as far as can be told.

        The day is the server's own, whose time zone nobody knows. Nothing is marked.
        """
        ...

    def fetch(self, cursors: Sequence[Cursor]) -> AsyncIterator[Fetched]:
        """The mails named, in bounded groups; one that is gone meanwhile is left out.

        A mail that cannot be had comes with its error and never stops the others. Nothing is
        marked on the server.
        """
        ...

    async def settle(self, cursors: Sequence[Cursor]) -> None:
        """Delete, move or keep exactly these mails, as the account's `after_intake` says.

        Mails that another client has marked as deleted stay; a mail that is gone is no error.
        """
        ...

    async def wait(self, timeout_s: float) -> None:
        """Return when the server says that something arrived (a hint only), else after `timeout_s`."""
        ...

    async def close(self) -> None:
        """Leave the server; never raises."""
        ...


class MailSender(Protocol):
    """One connection to a relay, opened when first needed, reused, reopened when it was lost.

    `max_octets` is the size of the largest mail that the relay takes, as it said when it was last
    connected to (RFC 1870): 0 = it named none, None = nobody has asked it yet.
    """

    max_octets: int | None

    async def send(self, envelope: Envelope, content: bytes) -> Sequence[RecipientResult]:
        """Offer one mail to the relay in one transaction (RFC 5321 section 3.3).

        Args:
            envelope: return path and recipients.
            content: a complete mail as stored; line ends are made CRLF here, nothing else changes.

        Returns:
            One result per recipient, in the order of the envelope. A refusal of the whole
            transaction is a result for each.

        Raises:
            ServerTrouble: nothing was offered (name, connection, TLS, login).
        """
        ...

    async def check(self) -> None:
        """Connect and log in, or raise ServerTrouble."""
        ...

    async def close(self) -> None:
        """Leave the relay; never raises."""
        ...


class Servers(Protocol):
    """Makes the clients for the accounts of lists."""

    def mailbox(self, account: MailboxAccount) -> Mailbox: ...

    def sender(self, account: SmtpAccount) -> MailSender: ...

    async def greets(self, host: str, protocol: MailProtocol | None, security: Security) -> None:
        """Whether such a server answers under that name, on the usual port; nobody logs in.

        Args:
            host: its name.
            protocol: how it is read; None = it is a relay (RFC 6409).
            security: with STARTTLS only the greeting in clear is waited for.

        Raises:
            ServerTrouble: nobody does, or something else, or its certificate does not verify.
        """
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """A server that a domain names for a service (RFC 2782); its name is in lower case."""

    host: str
    port: int
    priority: int


class Dns(Protocol):
    """The domain name system."""

    async def texts(self, name: str) -> Sequence[str] | None:
        """The TXT records of a name, as they were published; none where it has none or does not exist.

        None = no answer within the time limit of the implementation, or one that means nothing.
        Answers are kept; never raises.
        """
        ...

    async def services(self, name: str) -> Sequence[Service] | None:
        """The SRV records of a name such as ``_imaps._tcp.example.org``, as `texts`.

        The one to use first: by priority, of equal ones the heaviest. None where the service is
        said not to be there (RFC 2782, a target of ``.``).
        """
        ...

    async def exchanges(self, domain: str) -> Sequence[str] | None:
        """Who takes in the mail of a domain, best first, in lower case (RFC 5321 section 5); as `texts`."""
        ...


class Listener(Protocol):
    """What a chat transport tells of people and places; all are safe to call concurrently, none raises."""

    async def said(self, utterance: Utterance) -> Answer | None:
        """The answer; None where the words are not for the bot."""
        ...

    async def expects_secret(self, speaker: Actor, place: Place) -> bool:
        """Whether what they say next there is a password, which a place of their own need not show."""
        ...

    async def reminded(self, speaker: Actor, place: Place) -> Answer | None:
        """The question that waits for them there, anew: for a place that forgets what it has shown."""
        ...

    async def pressed(self, press: Press) -> Answer:
        """Decides by compare-and-set and answers; to be shown before any other network use."""
        ...

    async def moved(self, transport: str, before: str, after: str) -> None:
        """The place called `before` has another address now; told any number of times."""
        ...

    async def unreachable(self, place: Place, why: Text | None) -> None:
        """The bot cannot write there (removed, muted), or for None can again."""
        ...

    async def away(self, transport: str, why: Text | None) -> None:
        """Nobody on this network is heard (it is down, another program listens), or for None all are again.

        Told any number of times; a transport that starts to hear says so.
        """
        ...


class ChatTransport(Protocol):
    """A chat network (or the terminal), seen through the places in it."""

    name: str

    async def run(self, listener: Listener) -> None:
        """Listen until cancelled; network trouble is retried inside, with back-off."""
        ...

    async def drain(self, listener: Listener) -> None:
        """Tell of what was said since, and return. Raises as `check`."""
        ...

    async def check(self, address: str = "") -> Text | None:
        """Whether the network, or that place in it, can be used; a remark for whoever set it up.

        Raises:
            TransientError: not just now.
            PermanentError: not as it stands.
        """
        ...

    async def part_of(self, place: Place, title: str, among: Collection[str]) -> Place:
        """The part of a place that is about `title`, where the network divides it (topics).

        That is one of the addresses `among`, if one lies in that place, else a new part; `place` itself
        where it has no parts or is one, or where the bot may not make any.
        """
        ...

    async def post(self, address: str, screen: Screen) -> str:
        """Show a new screen and return the network's id of it.

        Raises:
            Busy: the network's limits ask to wait.
            TransientError: not posted, as far as is known; later may work.
            PermanentError: never will be posted in this place.
        """
        ...

    async def edit(self, address: str, message_id: str, screen: Screen) -> None:
        """Replace a screen in place; a screen that is gone or unchanged is no error. Raises as `post`."""
        ...

    async def close(self) -> None:
        """Leave the network; never raises."""
        ...
