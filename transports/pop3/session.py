"""One POP3 session, logged in: blocking calls (RFC 1939, 2449, 2595).

A session sees the mails that were there when it began and deletes when it says QUIT. Its numbers
name mails in it alone; what outlives it is the UIDL, or the SHA-256 of a mail that has none, has
it in common with another mail, or has one that is no UIDL.
"""

from __future__ import annotations

import hashlib
import poplib
import re
import ssl
from collections import Counter
from collections.abc import Sequence

from bot.core.errors import TransientError
from bot.core.lists import MailboxAccount
from bot.core.settings import Security
from transports.mails import kept_back
from transports.pop3.client import Client, is_refusal, words_of
from transports.pop3.login import log_in
from transports.threads import Limits
from transports.trouble import Server, lost, no_starttls

_SIZE = re.compile(rb"(\d{1,10})[ \t]+(\d{1,15})\b")
_UIDL = re.compile(rb"(\d{1,10})[ \t]+([\x21-\x7e]{1,200})[ \t]*")
"""RFC 1939 allows 70 characters; some servers take more."""


class Session:
    """A connection; after any error it is to be discarded, and then nothing is deleted.

    Methods block, and raise ServerTrouble for what they understand, else what poplib or the system
    raises. Only `cut` may be called while another thread is inside.

    Attributes:
        names: what identifies each mail beyond this session, by number.
        numbers: the first mail of each name.
        unnamed: numbers of the mails that `name` has to read for that, ascending.
        sizes: octets by number, as far as the server told.
        digests: SHA-256, in hexadecimal, of the mails that were read in this session, by number.
    """

    def __init__(
        self, account: MailboxAccount, tls: ssl.SSLContext | None, limits: Limits, max_mail_octets: int
    ) -> None:
        self.server = Server(
            "POP3", account.host, account.port, account.security, account.username, account.password
        )
        self.names: dict[int, str] = {}
        self.numbers: dict[str, int] = {}
        self.unnamed: list[int] = []
        self.sizes: dict[int, int] = {}
        self.digests: dict[int, str] = {}
        self._tls = tls
        self._limits = limits
        self._max_mail_octets = max_mail_octets
        self._client: Client | None = None
        self._is_cut = False

    def cut(self) -> None:
        """End at once what another thread does here, whatever the server does."""
        self._is_cut = True
        if self._client:
            self._client.cut()

    def discard(self) -> None:
        """Close without a word; nobody may be inside."""
        if self._client:
            self._client.discard()

    def open(self) -> None:
        """Connect, log in, and learn which mails are there."""
        client = self._connect()
        log_in(client, self.server)
        self.sizes = dict(_numbers(client.lines(b"LIST")))
        told = self._told(client)
        shared = Counter(told.values())
        for number in sorted(self.sizes | told):
            if number in told and shared[told[number]] == 1:
                self._call(number, told[number])
            else:
                self.unnamed.append(number)

    def name(self, number: int) -> str:
        """Read an unnamed mail to know what identifies it."""
        if self.sizes.get(number, 0) > self._max_mail_octets or not isinstance(self.mail(number), bytes):
            name = f"unread-{self.sizes.get(number, 0)}"
        else:
            name = self.digests[number]
        self._call(number, name)
        self.unnamed.remove(number)
        return name

    def _call(self, number: int, name: str) -> None:
        self.names[number] = name
        self.numbers.setdefault(name, number)

    def mail(self, number: int) -> bytes | TransientError:
        """The raw mail, or why the server does not hand it out."""
        try:
            raw = self._connected().mail(number)
        except poplib.error_proto as error:
            if not is_refusal(error):
                raise
            return kept_back(self.server, words_of(error))
        self.digests[number] = hashlib.sha256(raw).hexdigest()
        return raw

    def header(self, number: int) -> bytes:
        """The header of a mail, empty where the server does not hand it out: TOP is optional."""
        try:
            return b"\r\n".join(self._connected().lines(b"TOP %d 0" % number)) + b"\r\n\r\n"
        except poplib.error_proto as error:
            if not is_refusal(error):
                raise
            return b""

    def delete(self, numbers: Sequence[int]) -> None:
        """Delete these mails, which ends the session: QUIT is what deletes them."""
        client = self._connected()
        for number in numbers:
            try:
                client.dele(number)
            except poplib.error_proto as error:
                if not is_refusal(error):
                    raise  # a refusal: it is gone, or it stays and is tried again
        self.leave()

    def leave(self) -> None:
        """Say good-bye and close."""
        if self._client:
            self._client.quit()

    def _connect(self) -> Client:
        server = self.server
        tls = (self._tls or ssl.create_default_context()) if server.security is not Security.NONE else None
        implicit = tls if server.security is Security.SSL else None
        try:
            client = Client(server.host, server.port, self._limits, self._opened, implicit)
        except poplib.error_proto as error:
            if is_refusal(error):  # too many connections, for instance
                raise lost(server, words_of(error)) from None
            raise
        if server.security is Security.STARTTLS:
            if "STLS" not in client.capa():
                raise no_starttls(server)
            client.stls(tls)
        return client

    def _connected(self) -> Client:
        assert self._client is not None, "open has connected it"
        return self._client

    def _opened(self, client: Client) -> None:
        self._client = client
        if self._is_cut:
            raise ConnectionAbortedError

    def _told(self, client: Client) -> dict[int, str]:
        """What UIDL tells, by number; the command is optional (RFC 1939 section 7)."""
        try:
            lines = client.lines(b"UIDL")
        except poplib.error_proto as error:
            if is_refusal(error):
                return {}
            raise
        found = filter(None, map(_UIDL.fullmatch, lines))
        return {int(match[1]): match[2].decode("ascii") for match in found}


def _numbers(lines: Sequence[bytes]) -> list[tuple[int, int]]:
    return [(int(match[1]), int(match[2])) for match in filter(None, map(_SIZE.match, lines))]
