"""Reports about a mail that did not arrive, or was called spam: which addresses they are about.

RFC 3464 (delivery status) and RFC 5965 (complaints) are read as they are written; for all others
flufl.bounce knows a few dozen servers, and phrases of French and English ones find the rest.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email.message import Message

from bot.core.addresses import Address, fold
from bot.core.bounces import Failure, Report
from bot.core.header import readable
from bot.core.parts import PARSE_ERRORS
from bot.core.text import folded
from bot.flow.detectors import detected
from bot.flow.reading import text_of

_OCTETS_LIMIT = 300_000
"""What a report has to say stands at its beginning; then the mail that it is about may follow."""
_REASON_LIMIT = 300
_FAILURES_LIMIT = 100
_RAW_LINES_LIMIT = 4_000
_LINES_LIMIT = 200
_LINE_LIMIT = 1_000
_NEAR = 4
"""Lines between the words that say so and the address that they are about."""

# What it may cost to take it apart
_NESTING_LIMIT = 50
_MIME_FIELD_OCTETS = 5_000
_ANY_MIME_FIELD = re.compile(
    rb"(?:\A|[\r\n])content-(?:type|disposition):[^\r\n]*(?:(?:\r\n|\n|\r)[ \t][^\r\n]*)*+", re.IGNORECASE
)
_NESTING = re.compile(rb"boundary[ \t]*[*=]|message/", re.IGNORECASE)

_LONG_LINE = re.compile(rb"(?<![^\r\n])([^\r\n]{1000})[^\r\n]+")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.ASCII)
_STATUS_TYPES = {"message/delivery-status", "message/global-delivery-status"}
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_BLAMES_MAIL = re.compile(r"\b5\.(?:3\.4|6\.\d{1,3}|7\.\d{1,3})\b")
"""Too large, not to be converted, or a matter of policy: the next mail may arrive (RFC 3463)."""
_ORIGINAL = re.compile(
    r"-- ?(original message|message d.origine|message original|returned message|unsent message"
    r"|copie du message|included is a copy|this is a copy)|^(return-path|received): "
)
_ARRIVED = "(remis|delivr|distribu|livr|achemin)"
_GONE = re.compile(
    rf"n.?(a|ont) pu (etre )?{_ARRIVED}|ne peu(t|vent) (pas )?etre {_ARRIVED}|pas (pu etre|ete) {_ARRIVED}"
    r"|impossible (de|d.) ?(delivrer|remettre|distribuer|livrer|envoyer|acheminer)"
    r"|echec (de|d.|lors de) ?(la |l.)?(remise|distribution|livraison|envoi|delivrance|acheminement)"
    r"|non[- ](remis|distribue|delivre|livre)"
    r"|(adresse|utilisateur|destinataire|compte|boite|domaine)(?:.{0,90}?)"
    r"(inconnu|inexistant|n.existe (pas|plus)|invalide|introuvable|desactive|suspendu|ferme|pleine|satur"
    r"|plus valide|bloque)|quota[^.]{0,30}(depasse|atteint)|espace[^.]{0,30}insuffisant"
    r"|undeliver|not (be )?delivered|delivery[^.]{0,40}(fail|error)|user unknown|unknown user|no such user"
    r"|mailbox (is )?(full|unavailable|not found|disabled)|does not exist|address rejected|recipient rejected"
)
_LATER = re.compile(
    r"sera (re)?(essaye|tent|emis|pris)|nouvelle tentative|nouvel essai|retarde|en attente|ne (renvoyez|"
    r"reenvoyez) pas|will (be retried|retry|keep trying)|still being retried|delayed|not need to resend"
    r"|warning message only"
)
_NOTICE = re.compile(rb"^auto-submitted:[ \t]*auto-(replied|generated)", re.IGNORECASE | re.MULTILINE)
_COPY = re.compile(rb"^list-id:", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")


def read_report(raw: bytes) -> Report:
    """What a report says; one that cannot be read names nobody. Never fails."""
    beginning = _beginning(raw)
    of_notice = any(
        _NOTICE.search(part) and not _COPY.search(part) for part in _HEADER_END.split(beginning)[1:]
    )
    try:
        message = _parsed(beginning)
        complaint = _complaint(message)
        if complaint is not None:
            return Report(complaint, complaint=True, of_notice=of_notice)
        found = _first_found(message, beginning)
    except PARSE_ERRORS:
        return Report(of_notice=of_notice)
    return replace(found, failures=found.failures[:_FAILURES_LIMIT], of_notice=of_notice)


def _beginning(raw: bytes) -> bytes:
    """As much as any report has to say."""
    lines = _LONG_LINE.sub(rb"\1", raw[:_OCTETS_LIMIT]).splitlines(keepends=True)
    return b"".join(lines[:_RAW_LINES_LIMIT])


def _parsed(report: bytes) -> Message:
    """As the email package takes it apart. Raises ValueError where that would cost too much."""
    fields = _ANY_MIME_FIELD.findall(report)
    if any(len(field) > _MIME_FIELD_OCTETS for field in fields):
        raise ValueError("a field about its parts is too long")
    if sum(bool(_NESTING.search(field)) for field in fields) > _NESTING_LIMIT:
        raise ValueError("too many parts within parts")
    message = email.message_from_bytes(report, policy=email.policy.compat32)
    for part in message.walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and _LONG_LINE.search(content):  # an encoding hid it
            del part["content-transfer-encoding"]
            part.set_payload(_LONG_LINE.sub(rb"\1", content).decode("ascii", "surrogateescape"))
    return message


def is_about_mail(reply: str) -> bool:
    """Whether a server's reply blames the mail or its sender, and not the address."""
    return bool(_BLAMES_MAIL.search(reply))


def _first_found(message: Message, beginning: bytes) -> Report:
    """By the first way of reading that finds anything."""
    ways: tuple[Callable[[], Report], ...] = (
        lambda: _by_status(message),
        lambda: _by_server(message, *detected(beginning)),
        lambda: _by_words(message),
    )
    reports = (way() for way in ways)
    return next((found for found in reports if found.failures or found.delayed), Report())


def _complaint(message: Message) -> tuple[Failure, ...] | None:
    """Whom a complaint is from (RFC 5965 section 3.2); None if it is none."""
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            fields = _inner(part)
            named = [
                each
                for name in ("original-rcpt-to", "removal-recipient")
                for each in fields.get_all(name, [])
            ]
            kind = " ".join(str(fields.get("feedback-type", "")).split())
            return tuple(_failure(each, f"complaint: {kind}") for each in named if _ADDRESS.search(str(each)))
    return None


def _by_status(message: Message) -> Report:
    """The recipients of a delivery status (RFC 3464 section 2.3)."""
    reports = [part for part in message.walk() if part.get_content_type() in _STATUS_TYPES]
    failures, late = [], []
    for recipient in (block for part in reports for block in _blocks(part)):
        action = _word(recipient, "action")
        whom = str(recipient.get("original-recipient") or recipient.get("final-recipient") or "")
        if not _ADDRESS.search(whom):
            continue
        if action == "failed":
            diagnostic = str(recipient.get("diagnostic-code", "")).partition(";")[2]
            failures.append(_failure(whom, f"{_word(recipient, 'status')} {diagnostic}"))
        elif action in {"delayed", "relayed", "expanded"}:  # what becomes of it is told later
            late.append(_failure(whom, "").address)
    return Report(tuple(failures), delayed=bool(late) and not failures, late=tuple(late))


def _by_server(message: Message, late: Sequence[str], failed: Sequence[str]) -> Report:
    """As flufl.bounce recognises the server's way of writing it."""
    reason = _sentence(_text(message))
    failures = tuple(_failure(each, reason) for each in failed)
    delayed = tuple(_failure(each, "").address for each in late)
    return Report(failures, delayed=bool(delayed) and not failures, late=delayed)


def _by_words(message: Message) -> Report:
    """Addresses near words that say so, before the mail that is sent back."""
    lines = _text(message)
    if any(_LATER.search(folded(line)) for line in lines):
        return Report(delayed=True)
    marked = [number for number, line in enumerate(lines) if _GONE.search(folded(line))]
    found: dict[Address, Failure] = {}
    for number, line in enumerate(lines):
        near = [mark for mark in marked if abs(mark - number) <= _NEAR]
        for written in _ADDRESS.findall(line) if near else ():
            closest = min(near, key=lambda mark: abs(mark - number))
            found.setdefault(fold(written), _failure(written, lines[closest]))
    return Report(tuple(found.values()))


def _text(message: Message) -> list[str]:
    """The lines that the server wrote itself, without blank ones."""
    texts = (_part_text(part) for part in message.walk() if part.get_content_maintype() == "text")
    lines: list[str] = []
    for line in "\n".join(texts).splitlines()[:_RAW_LINES_LIMIT]:
        if _ORIGINAL.search(folded(line)) or len(lines) >= _LINES_LIMIT:
            break
        if line.strip():
            lines.append(line[:_LINE_LIMIT])
    return lines


def _part_text(part: Message) -> str:
    content = part.get_payload(decode=True)
    return text_of(content, str(part.get_content_charset(""))) if isinstance(content, bytes) else ""


def _sentence(lines: list[str]) -> str:
    """The line that tells the reason best."""
    telling = [line for line in lines if _STATUS.search(line)] or [
        line for line in lines if _GONE.search(folded(line))
    ]
    return telling[0] if telling else ""


def _failure(written: str, reason: str) -> Failure:
    """`written`: an address, perhaps behind its type (``rfc822;``) or between angle brackets."""
    found = _ADDRESS.search(str(written))
    address = fold(found[0]) if found else fold(str(written).strip(" <>"))
    words = " ".join(readable(reason).split())[:_REASON_LIMIT]
    return Failure(address, words, is_about_mail(words))


def _word(fields: Message, name: str) -> str:
    """The first word of a field, in lower case."""
    return str(fields.get(name, "")).replace(";", " ").strip().partition(" ")[0].lower()


def _blocks(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    return (each for each in payload if isinstance(each, Message)) if isinstance(payload, list) else iter(())


def _inner(part: Message) -> Message:
    """The fields of a part whose content is fields."""
    return next(_blocks(part), part)
