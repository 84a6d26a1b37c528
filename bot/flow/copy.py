"""The copy that members get: header fields change, the body never does (DESIGN: docs/flow.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.core.addresses import Address, Mailbox, domain_of, local_part_of
from bot.core.header import Header, encoded
from bot.core.lists import MailingList
from bot.core.settings import ReplyTo, RewriteFrom

_REMOVED = (
    "Bcc",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "Disposition-Notification-To",
    "Return-Receipt-To",
)
_SIGNED_FIELDS = re.compile(r"(?:^|;)\s*h\s*=([^;]*)", re.IGNORECASE)
_PHRASE = re.compile(r"[\w !#$%&'*+/=?^`{|}~-]*", re.ASCII)


def list_copy(original: Header, mlist: MailingList, owners: Sequence[Address]) -> Header:
    """The header of the copy: RFC 2369 and 2919 fields set, others kept in order and byte for byte.

    Args:
        original: the post's header as it came.
        mlist: the list that distributes it.
        owners: whom List-Owner names; the list itself where there are none.
    """
    author, reply_to = _author_fields(original, mlist)
    list_fields = [
        ("Sender", mlist.address),
        ("List-Id", f"{_phrase(mlist.settings.description)}<{mlist.list_id}>"),
        ("List-Post", f"<mailto:{mlist.address}>"),
        ("List-Unsubscribe", f"<mailto:{mlist.address}?subject=unsubscribe>"),
        ("List-Owner", ", ".join(f"<mailto:{owner}>" for owner in owners or [mlist.address])),
        ("Precedence", "list"),
    ]
    copy = original.without(_results_of_our_host(original, mlist.settings.auth_host))
    copy = copy.edited(
        remove=_REMOVED, add=[*_subject(original, mlist.prefix), *author, *reply_to, *list_fields]
    )
    copy = copy.appended("X-Loop", mlist.address)
    return copy.without(_broken_signatures(original, copy))


def is_rewritten(author_domain: str, mlist: MailingList) -> bool:
    """Whether From becomes the list's address, so that receivers find it authenticated (DMARC)."""
    match mlist.settings.rewrite_from:
        case RewriteFrom.ALWAYS:
            return True
        case RewriteFrom.NEVER:
            return False
        case RewriteFrom.FOREIGN | RewriteFrom.DMARC:  # without DNS every foreign domain counts as strict
            return author_domain != mlist.domain


def mailbox_field(name: str, address: str) -> str:
    """``Name <address>`` as a header value, the name quoted or encoded where it must be."""
    return f"{_phrase(name)}<{address}>"


def _subject(original: Header, prefix: str) -> list[tuple[str, str | bytes]]:
    """The subject behind the prefix; nothing to change if it is in there already, as in replies."""
    decoded = original.first("subject")
    if not prefix or " ".join(prefix.split()) in " ".join(decoded.split()):
        return []
    raw = original.raw("subject") or b""
    if not prefix.isascii() and raw.startswith(b"=?"):
        # RFC 2047 section 6.2: the blank between two encoded words would not be shown
        return [("Subject", encoded(f"{prefix} {decoded}"))]
    return [("Subject", b" ".join(part for part in (encoded(prefix).encode("ascii"), raw) if part))]


def _author_fields(
    original: Header, mlist: MailingList
) -> tuple[list[tuple[str, str | bytes]], list[tuple[str, str | bytes]]]:
    """From and Reply-To, decided together: whoever is no longer in From must stay answerable."""
    authors = original.mailboxes("from")
    raw_from = original.raw("from") or b""
    answers_to = original.raw("reply-to") or raw_from
    rewritten = not authors or any(is_rewritten(domain_of(author.address), mlist) for author in authors)
    fields: list[tuple[str, str | bytes]] = []
    if rewritten:
        fields.append(("From", mailbox_field(_via(authors, mlist), mlist.address)))
        if raw_from:
            fields.append(("X-Original-From", raw_from))
    if mlist.settings.reply_to is ReplyTo.LIST:
        also = b", " + answers_to if rewritten and answers_to else b""
        return fields, [("Reply-To", mlist.address.encode("ascii") + also)]
    return fields, [("Reply-To", answers_to)] if answers_to else []


def _via(authors: Sequence[Mailbox], mlist: MailingList) -> str:
    names = ", ".join(author.name or local_part_of(author.address) for author in authors)
    return f"{names} via {mlist.local_part}" if names else mlist.local_part


def _phrase(name: str) -> str:
    """A display name and the blank behind it (RFC 5322 section 3.2.5); nothing for no name."""
    clean = " ".join(name.split())
    if not clean:
        return ""
    if _PHRASE.fullmatch(clean) and "=?" not in clean:
        return f'"{clean}" '
    if clean.isascii() and clean.isprintable() and "=?" not in clean:
        return '"' + re.sub(r'(["\\])', r"\\\1", clean) + '" '
    return encoded(clean) + " "


def _results_of_our_host(original: Header, auth_host: str) -> list[bytes]:
    """Authentication-Results that claim to be our host's: members' hosts add their own (RFC 8601 5)."""
    if not auth_host:
        return []
    fields = original.raw_fields("authentication-results")
    values = original.all("authentication-results")
    return [
        field
        for field, value in zip(fields, values, strict=True)
        if re.split(r"[;\s]", value, maxsplit=1)[0].lower() == auth_host.lower()
    ]


def _broken_signatures(original: Header, copy: Header) -> list[bytes]:
    """DKIM signatures over a field that differs now: a broken one is worse than none (RFC 6376 3.5)."""
    broken = []
    for field, value in zip(
        original.raw_fields("dkim-signature"), original.all("dkim-signature"), strict=True
    ):
        signed = _SIGNED_FIELDS.search(value)
        names = [name.strip().lower() for name in signed[1].split(":")] if signed else []
        if any(original.raw_fields(name) != copy.raw_fields(name) for name in names):
            broken.append(field)
    return broken
