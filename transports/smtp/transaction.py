"""One mail transaction: envelope and content to the relay, one outcome per recipient (RFC 5321, 2920).

Whom does a refusal speak of? That decides what becomes of a delivery:

| the relay refuses | it speaks of | 4xx | 5xx |
| --- | --- | --- | --- |
| MAIL FROM | us: account and list | deferred | deferred; 552 (too big, RFC 1870 section 6.1) bounced |
| RCPT TO | the recipient | deferred | bounced; 552 (too many, RFC 5321 section 4.5.3.1.10) deferred |
| DATA, or the content | the mail | deferred | bounced |
| anywhere, by leaving (421) | the relay | deferred | |
| anywhere, for want of a login | us: the account | deferred | deferred |
| anywhere, over a quota (`transports.smtp.quota`) | us: the account | deferred, `over_quota` | the same |

No answer at all is deferred too. It is `maybe_taken` only if the end of the content had been sent
and the answer to it never came (RFC 1047). A deferred delivery is tried again and ends as a bounce
when its time is up; so doubt costs a delay, while a bounce in doubt would cost a mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum, auto

from bot.core.addresses import Address, is_deliverable
from bot.core.deliveries import Envelope, Outcome, RecipientResult
from bot.core.text import unseen
from transports.smtp.content import Content
from transports.smtp.quota import is_over_quota
from transports.smtp.wire import Lost, Reply, Wire

_CHUNK_OCTETS = 65_536
_MAX_PATH = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets

_LOGIN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954 section 6
_ACCOUNT_REFUSED = re.compile(
    r"""
    ^5\.7\.(?:8|9|1[1-4])\b           # RFC 4954, RFC 5248: credentials, encryption, account, trust
    | ^5\.4\.5\b                      # Gmail: daily quota
    | \bquota\b | \brate\ limit | \bsending\ limit | \bper\ (?:hour|day)\b | \b(?:hourly|daily)\b
    | \btoo\ many\ (?:\w+\ )?(?:messages|mails|e-?mails|recipients|connections)\b
    | \brelay(?:ing)?\ (?:access\ )?(?:denied|not\ permitted|not\ allowed|prohibited)\b
    | \bunable\ to\ relay\b
    | \b(?:authentication|auth|login|log\ in)\b.{0,20}\b(?:required|first|needed)\b
    | \bnot\ (?:logged\ in|authenticated)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

_DATA = b"DATA\r\n"
_OUT_OF_STEP = "the server's answers do not match the questions"


class Stage(Enum):
    """Which part of the transaction a reply answers."""

    MAIL = auto()
    RCPT = auto()
    CONTENT = auto()


def outcome_of(stage: Stage, reply: Reply) -> Outcome:
    """What a final reply means for the recipients that it concerns: the table above."""
    if reply.ok:
        return Outcome.DELIVERED
    if reply.code < 500 or _concerns_account(reply):
        return Outcome.DEFERRED
    too_much = reply.code == 552
    match stage:
        case Stage.MAIL:
            return Outcome.BOUNCED if too_much else Outcome.DEFERRED
        case Stage.RCPT:
            return Outcome.DEFERRED if too_much else Outcome.BOUNCED
        case Stage.CONTENT:
            return Outcome.BOUNCED


def _concerns_account(reply: Reply) -> bool:
    return reply.code in _LOGIN_CODES or bool(_ACCOUNT_REFUSED.search(reply.text))


def fits_envelope(address: Address) -> bool:
    """Whether an address can stand in MAIL or RCPT: one line, nothing that could end it.

    One that is not ASCII can only where the relay announces SMTPUTF8 (RFC 6531).
    """
    shown = not any(unseen(each) for each in address)
    return is_deliverable(address) and shown and len(address.encode("utf-8", "replace")) <= _MAX_PATH


class Transaction:
    """Offers one mail to 1 to 100 recipients whose addresses all `fits_envelope`; used once.

    Where the relay pipelines, MAIL, every RCPT and DATA go out in one write and cost one round
    trip; elsewhere one command goes out at a time. Commands and their meaning are the same.
    """

    def __init__(
        self, wire: Wire, envelope: Envelope, content: Content, *, pipelining: bool, answer_timeout_s: float
    ) -> None:
        self.begun = False
        """Whether MAIL was answered, by something else than a farewell: else nothing was offered."""
        self._wire = wire
        self._envelope = envelope
        self._content = content
        self._pipelining = pipelining
        self._answer_timeout_s = answer_timeout_s
        self._handed_over = False
        self._over_quota: Reply | None = None
        self._asked: set[Address] = set()
        self._results: dict[Address, RecipientResult] = {}

    async def run(self) -> dict[Address, RecipientResult]:
        """One result per recipient. Afterwards the wire is at rest, or of no more use."""
        ended = False
        try:
            await (self._hand_over() if await self._offer() else self._reset())
            ended = True
        except Lost as loss:
            self._conclude_lost(loss)
        finally:
            if not ended:
                self._wire.abort()  # also when cancelled: the relay forgets what it has so far
        return self._results

    async def _offer(self) -> bool:
        """The envelope and DATA; True if the relay waits for content now."""
        mail = self._mail_command()
        rcpts = {recipient: b"RCPT TO:<%s>\r\n" % recipient.encode() for recipient in self._open()}
        if self._pipelining:
            self._wire.write(b"".join([mail, *rcpts.values(), _DATA]))
        reply = await self._ask(mail)
        self.begun = True
        if not reply.ok:
            self._conclude(Stage.MAIL, reply, self._open())
        for recipient, rcpt in rcpts.items():
            if self._asks_on() and (self._pipelining or not self._over_quota):
                reply = await self._ask(rcpt)
                self._asked.add(recipient)
                if not reply.ok:
                    self._conclude(Stage.RCPT, reply, [recipient])
        self._spare_the_rest()
        if not self._asks_on():
            return False
        reply = await self._ask(_DATA, positive=3)
        if reply.code >= 400:
            self._conclude(Stage.CONTENT, reply, self._open())
        return reply.code < 400

    async def _hand_over(self) -> None:
        """The content; a lone dot if nobody is left to get it (RFC 2920 section 3.1)."""
        octets = self._content.octets if self._open() else b".\r\n"
        reply = await self._answer_to(octets)
        if reply.code // 100 not in {2, 4, 5}:
            raise Lost(_OUT_OF_STEP)
        self._conclude(Stage.CONTENT, reply, self._open())
        if reply.code == 421:
            self._wire.abort()

    async def _answer_to(self, octets: bytes) -> Reply:
        for start in range(0, len(octets), _CHUNK_OCTETS):
            if self._wire.speaking:
                return await self._early_refusal()
            end = start + _CHUNK_OCTETS
            self._handed_over = end >= len(octets)
            self._wire.write(memoryview(octets)[start:end])
            await self._wire.progress()
        return await self._wire.reply(self._answer_timeout_s)

    async def _early_refusal(self) -> Reply:
        """A reply before the end of the content: what is left would be taken for commands."""
        reply = await self._wire.reply()
        self._wire.abort()
        if reply.code < 400:
            raise Lost(_OUT_OF_STEP)
        return reply

    async def _reset(self) -> None:
        """Else the relay answers the next MAIL with 503, nested transaction (RFC 5321 section 4.1.1.5)."""
        self._wire.write(b"RSET\r\n")
        if not (await self._wire.reply()).ok:
            self._wire.abort()

    async def _ask(self, command: bytes, *, positive: int = 2) -> Reply:
        """The reply to a command. Raises Lost if it is a farewell, or none that the command may have."""
        if not self._pipelining:
            self._wire.write(command)
        reply = await self._wire.reply()
        if reply.code == 421:
            raise Lost(reply.text, reply.code)
        if reply.code // 100 not in {positive, 4, 5}:
            raise Lost(_OUT_OF_STEP)
        return reply

    def _mail_command(self) -> bytes:
        features, command = self._wire.features, b"MAIL FROM:<%s>" % self._envelope.mail_from.encode()
        if features.size:
            command += b" SIZE=%d" % self._content.size
        if features.eight_bit and self._content.eight_bit:
            command += b" BODY=8BITMIME"
        if not all(recipient.isascii() for recipient in self._envelope.recipients):
            command += b" SMTPUTF8"
        return command + b"\r\n"

    def _spare_the_rest(self) -> None:
        """Over its quota a relay hears of nobody else, where that is not too late."""
        if self._over_quota:
            unasked = [each for each in self._open() if each not in self._asked]
            self._conclude(Stage.RCPT, self._over_quota, unasked)

    def _asks_on(self) -> bool:
        """Pipelined commands were sent, so each has its reply; one at a time, it may be pointless."""
        return self._pipelining or bool(self._open())

    def _open(self) -> Sequence[Address]:
        return [recipient for recipient in self._envelope.recipients if recipient not in self._results]

    def _conclude(self, stage: Stage, reply: Reply, recipients: Iterable[Address]) -> None:
        over_quota = is_over_quota(reply, of_sender=stage is Stage.MAIL)
        outcome = Outcome.DEFERRED if over_quota else outcome_of(stage, reply)
        if over_quota:
            self._over_quota = reply
        for recipient in recipients:
            result = RecipientResult(
                recipient,
                outcome,
                reply.code,
                reply.text,
                over_quota=over_quota,
                offered=self._pipelining or recipient in self._asked,
            )
            self._results.setdefault(recipient, result)

    def _conclude_lost(self, loss: Lost) -> None:
        over_quota = not self._handed_over and is_over_quota(Reply(loss.code, loss.words), of_sender=False)
        for recipient in self._open():
            self._results[recipient] = RecipientResult(
                recipient,
                Outcome.DEFERRED,
                loss.code,
                loss.words,
                maybe_taken=self._handed_over,
                over_quota=over_quota,
            )
