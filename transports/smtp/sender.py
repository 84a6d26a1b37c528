"""The port `MailSender`: one connection to a relay (RFC 5321, 3207, 4954), kept and used again.

aiosmtplib connects, encrypts and logs in. The transactions are ours (`transports.smtp.transaction`):
pipelined, they cost one round trip where the library's cost one for each command, and a relay's
last words are not lost.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import cast

import aiosmtplib
from typing_extensions import override

from bot.core.addresses import Address
from bot.core.deliveries import Envelope, Obstacle, Outcome, RecipientResult
from bot.core.errors import ServerTrouble
from bot.core.lists import SmtpAccount
from bot.core.ports import MailSender
from bot.core.settings import Security
from transports import trouble
from transports.smtp.content import Content, prepared
from transports.smtp.sevenbit import seven_bit
from transports.smtp.transaction import Transaction, fits_envelope
from transports.smtp.wire import Features, Wire

_SENDER_CANNOT_BE_WRITTEN = "the list's own address cannot be used as a return path"
_PARTING_S = 2.0
_SIZE = re.compile(r"[0-9]{1,18}")


class SmtpSender(MailSender):
    """Sends through one account; one mail at a time, callers wait for their turn.

    A connection that is not used for `idle_s` is left: relays count the connections of a customer,
    and a router forgets a silent one without a word, which would cost the next mail a time-out.
    """

    def __init__(
        self,
        account: SmtpAccount,
        *,
        tls: ssl.SSLContext | None,
        timeout_s: float = 60.0,
        answer_timeout_s: float = 600.0,
        idle_s: float = 60.0,
    ) -> None:
        """Connects when first needed.

        Args:
            account: whose relay, and whether to log in there.
            tls: for ssl and starttls; None = the system's authorities, verified.
            timeout_s: limits connecting as a whole, and then the wait for each reply.
            answer_timeout_s: limits the wait for the answer to the content; the 10 minutes of RFC
                5321 section 4.5.3.2.6, because giving up earlier makes duplicates.
            idle_s: how long an unused connection is kept.
        """
        self._account = account
        self._tls = tls
        self._timeout_s = timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._idle_s = idle_s
        self._turn = asyncio.Lock()
        self._wire: Wire | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._prepared: tuple[tuple[bytes, bool], Content | Obstacle] | None = None
        self.max_octets: int | None = None

    @override
    async def send(self, envelope: Envelope, content: bytes) -> Sequence[RecipientResult]:
        """Offer one mail in one transaction; the port tells the rest.

        Addresses that SMTP cannot carry never reach the wire: bounced. A reply's text comes
        without its code, which is a field of its own.
        """
        writable = dict.fromkeys(filter(fits_envelope, envelope.recipients))
        plain = tuple(each for each in writable if each.isascii())
        others = tuple(each for each in writable if not each.isascii())
        results: dict[Address, RecipientResult] = {}
        if not (fits_envelope(envelope.mail_from) and envelope.mail_from.isascii()):
            results = _unasked(writable, Outcome.DEFERRED, _SENDER_CANNOT_BE_WRITTEN)
        elif writable:
            async with self._turn:
                # apart, because a mail with one of them is refused further on where that is not known
                for recipients in filter(None, (plain, others)):
                    try:
                        results |= await self._transact(Envelope(envelope.mail_from, recipients), content)
                    except ServerTrouble as error:
                        if not results:
                            raise
                        results |= _unasked(recipients, Outcome.DEFERRED, str(error))
        unwritable = (each for each in envelope.recipients if each not in results)
        results |= _unasked(unwritable, Outcome.BOUNCED, Obstacle.ADDRESS)
        return [results[recipient] for recipient in envelope.recipients]

    @override
    async def check(self) -> None:
        """Connect and log in afresh, or raise ServerTrouble."""
        async with self._turn:
            self._leave()
            self._keep(await self._connected())

    @override
    async def close(self) -> None:
        """Leave the relay when the mail under way is through; never raises."""
        async with self._turn:
            wire = self._wire
            self._leave()
            if wire:
                await wire.closed(_PARTING_S)

    async def _transact(self, envelope: Envelope, content: bytes) -> dict[Address, RecipientResult]:
        while True:
            kept = self._kept()
            wire = kept or await self._connected()
            fit = self._content(content, wire.features)
            utf8 = not all(each.isascii() for each in envelope.recipients)
            if isinstance(fit, Obstacle) or (utf8 and not wire.features.utf8):
                self._keep(wire)
                obstacle = fit if isinstance(fit, Obstacle) else Obstacle.UTF8_ADDRESS
                return _unasked(envelope.recipients, Outcome.BOUNCED, obstacle)
            transaction = Transaction(
                wire,
                envelope,
                fit,
                pipelining=self._account.pipelining and wire.features.pipelining,
                answer_timeout_s=self._answer_timeout_s,
            )
            results = await transaction.run()
            self._keep(wire)
            if transaction.begun or not kept:
                return results
            # The relay had closed the kept connection and was offered nothing: once more, afresh.

    def _content(self, mail: bytes, features: Features) -> Content | Obstacle:
        """Prepared once for all the batches of a mail, or why this relay cannot have it."""
        if self._prepared is None or self._prepared[0] != (mail, features.eight_bit):
            fit = mail if features.eight_bit else seven_bit(mail)
            ready = fit if isinstance(fit, Obstacle) else prepared(fit)
            self._prepared = ((mail, features.eight_bit), ready)
        return self._prepared[1]

    def _kept(self) -> Wire | None:
        if self._leaving:
            self._leaving.cancel()
        if self._wire and not self._wire.at_rest:
            self._wire.abort()
            self._wire = None
        return self._wire

    def _keep(self, wire: Wire) -> None:
        self._wire = wire
        self._leaving = asyncio.get_running_loop().call_later(self._idle_s, self._leave)

    def _leave(self) -> None:
        self._prepared = None
        if wire := self._kept():
            wire.leave()
            self._wire = None

    async def _connected(self) -> Wire:
        """A new connection, logged in. Raises ServerTrouble."""
        account = self._account
        client = aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port,
            timeout=self._timeout_s,
            use_tls=account.security is Security.SSL,
            start_tls=False,  # see _negotiate
            tls_context=self._tls,
            local_hostname=_own_name(),
        )
        wire = None
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._negotiate(client)
            wire = self._taken_over(client)
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
            raise self._trouble(error) from error
        finally:
            if wire is None and client.transport:
                cast("asyncio.Transport", client.transport).abort()
        return wire

    async def _negotiate(self, client: aiosmtplib.SMTP) -> None:
        await client.connect()
        await _greet(client)
        if self._account.security is Security.STARTTLS:
            if not client.supports_extension("starttls"):
                raise trouble.no_starttls(self._server)
            # Octets that came in clear after the answer to STARTTLS are thrown away by aiosmtplib,
            # as is what the relay had announced so far (RFC 3207 section 4.2).
            await client.starttls()
            await _greet(client)
        if self._account.username and client.supports_extension("auth"):
            await self._log_in(client)

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        """One attempt by one mechanism: aiosmtplib's own `login` offers a wrong password to each."""
        by_mechanism = {
            "plain": client.auth_plain,
            "login": client.auth_login,
            "cram-md5": client.auth_crammd5,
        }
        for mechanism, log_in in by_mechanism.items():
            if mechanism in client.server_auth_methods:
                await log_in(self._account.username, self._account.password)
                return
        offered = ", ".join(client.server_auth_methods)
        raise trouble.login_refused(self._server, f"no way to log in with a password, only {offered}")

    def _taken_over(self, client: aiosmtplib.SMTP) -> Wire:
        if client.transport is None:
            raise trouble.lost(self._server)
        features = Features(
            pipelining=client.supports_extension("pipelining"),
            size=client.supports_extension("size"),
            eight_bit=client.supports_extension("8bitmime"),
            utf8=client.supports_extension("smtputf8"),
        )
        self.max_octets = _announced_size(client)
        return Wire(cast("asyncio.Transport", client.transport), features, self._timeout_s)

    def _trouble(self, error: Exception) -> ServerTrouble:
        if not isinstance(error, aiosmtplib.SMTPResponseException):
            return trouble.connection_trouble(error, self._server)
        words = f"{error.code} {error.message}" if error.code > 0 else error.message
        if 400 <= error.code < 500:
            return trouble.lost(self._server, words)
        if error.code in {530, 538}:  # RFC 4954 section 6: encryption first
            return trouble.wants_encryption(self._server)
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return trouble.login_refused(self._server, words)
        return trouble.unusable(self._server, words)

    @property
    def _server(self) -> trouble.Server:
        account = self._account
        return trouble.Server(
            "SMTP", account.host, account.port, account.security, account.username, account.password
        )


async def _greet(client: aiosmtplib.SMTP) -> None:
    """EHLO, and HELO for relays that do not know it (RFC 5321 section 3.2)."""
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()


def _announced_size(client: aiosmtplib.SMTP) -> int:
    """The limit behind SIZE, 0 for none or one that cannot be read (RFC 1870 section 3)."""
    match = _SIZE.fullmatch(client.esmtp_extensions.get("size", "").strip())
    return int(match[0]) if match else 0


def _own_name() -> str:
    """For EHLO: this machine's full name, or an address literal (RFC 5321 section 4.1.4); no DNS."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _unasked(recipients: Iterable[Address], outcome: Outcome, words: str) -> dict[Address, RecipientResult]:
    return {each: RecipientResult(each, outcome, 0, words) for each in recipients}
