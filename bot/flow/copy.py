"""The copy that members get: header fields change, the body never does (docs/flow.md)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime, make_msgid
from typing import TypeAlias
from urllib.parse import quote

from bot.core.addresses import Address, Mailbox, domain_of, local_part_of
from bot.core.authentication import Policy
from bot.core.header import LONG_LINE, Header, encoded
from bot.core.lists import MailingList
from bot.core.settings import ReplyTo, RewriteFrom
from bot.flow.dmarc import STRICT_PROVIDERS
from bot.flow.results import results_fields

_REMOVED = (
    "Bcc",
    "Resent-Bcc",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "Disposition-Notification-To",
    "Return-Receipt-To",
    # of a list that the post went through before: they would speak for this one (RFC 2369 section 4)
    "List-Help",
    "List-Subscribe",
    "List-Archive",
    "List-Unsubscribe-Post",
)
_SIGNED_FIELDS = re.compile(r"(?:^|;)\s*h\s*=([^;]*)", re.IGNORECASE)
_ANGLED = re.compile(rb"<[^<>\s]+>")
_NAMES_LIMIT = 150
"""Characters of the authors' names that stand in a rewritten From."""

Fields: TypeAlias = list[tuple[str, str | bytes]]


def list_copy(
    original: Header,
    mlist: MailingList,
    owners: Sequence[Address],
    policy: Policy = Policy.UNKNOWN,
    at: datetime | None = None,
) -> Header:
    """The header of the copy: RFC 2369 and 2919 fields set, others kept in order and byte for byte.

    Args:
        original: the post's header as it came.
        mlist: the list that distributes it.
        owners: whom List-Owner names; the list itself where there are none.
        policy: the strictest that the authors' domains publish, for ``rewrite_from=dmarc``.
        at: the date of a post that has none.
    """
    author, reply_to = _author_fields(original, mlist, policy)
    list_fields = [
        ("Sender", mlist.address),
        ("List-Id", f"{_phrase(mlist.settings.description)}<{mlist.list_id}>"),
        ("List-Post", f"<{_mailto(mlist.address)}>"),
        ("List-Unsubscribe", f"<{_mailto(mlist.address)}?subject=unsubscribe>"),
        ("List-Owner", ",\r\n ".join(f"<{_mailto(owner)}>" for owner in owners or [mlist.address])),
        ("Precedence", "list"),
    ]
    # members' hosts add their own (RFC 8601 section 5)
    copy = original.without(results_fields(original, mlist.settings.auth_host))
    copy = copy.edited(
        remove=_REMOVED,
        add=[
            *_subject(original, mlist.prefix),
            *author,
            *reply_to,
            *_identity(original, mlist, at),
            *list_fields,
        ],
    )
    copy = copy.appended("X-Loop", mlist.address)
    return copy.without(_broken_signatures(original, copy))


def _identity(original: Header, mlist: MailingList, at: datetime | None) -> Fields:
    """What a post lacks that large receivers insist on: the same in every copy, so threads stay whole."""
    fields: Fields = []
    if not _ANGLED.search(original.raw("message-id") or b""):
        fields.append(("Message-ID", make_msgid(domain=mlist.domain)))
    if at and not original.first("date").strip():
        fields.append(("Date", format_datetime(at)))
    return fields


def is_rewritten(author_domain: str, mlist: MailingList, policy: Policy) -> bool:
    """Whether From becomes the list's address, so that receivers find it authenticated (DMARC).

    An unknown policy counts as a strict one: a copy with another From arrives, a refused one does not.
    """
    match mlist.settings.rewrite_from:
        case RewriteFrom.ALWAYS:
            return True
        case RewriteFrom.NEVER:
            return False
        case RewriteFrom.FOREIGN:
            return author_domain != mlist.domain
        case RewriteFrom.DMARC:
            strict = policy is not Policy.NONE or author_domain in STRICT_PROVIDERS
            return strict and author_domain != mlist.domain


def mailbox_field(name: str, address: str) -> str:
    """``Name <address>`` as a header value, the name quoted or encoded where it must be."""
    return f"{_phrase(name)}<{address}>"


def _subject(original: Header, prefix: str) -> Fields:
    """The subject behind the prefix; nothing to change if it is in there already, as in replies."""
    if not prefix or " ".join(prefix.split()) in " ".join(original.first("subject").split()):
        return []
    raw = original.raw("subject") or b""
    written = encoded(prefix).encode("ascii")
    if written.endswith(b"?=") and raw.startswith(b"=?"):
        # The blank between two encoded words is not shown (RFC 2047 section 6.2): one is encoded too
        written += b"\r\n =?us-ascii?q?_?="
    # A long line gets a fold behind the prefix, so that none passes 998 octets (RFC 5322 section 2.1.1)
    blank = b"\r\n " if len(raw) > LONG_LINE else b" "
    return [("Subject", blank.join(part for part in (written, raw) if part))]


def _author_fields(original: Header, mlist: MailingList, policy: Policy) -> tuple[Fields, Fields]:
    """From and Reply-To, decided together: whoever is no longer in From must stay answerable."""
    authors = original.mailboxes("from")
    raw_from = _joined(original, "from")
    asked_for = original.mailboxes("reply-to")
    answers_to = _joined(original, "reply-to") if asked_for else raw_from if authors else b""
    rewritten = not authors or any(
        is_rewritten(domain_of(author.address), mlist, policy) for author in authors
    )
    fields: Fields = []
    if rewritten:
        fields.append(("From", mailbox_field(_via(authors, mlist), mlist.address)))
        if raw_from:
            fields.append(("X-Original-From", raw_from))
    if mlist.settings.reply_to is ReplyTo.LIST:
        others = any(mailbox.address != mlist.address for mailbox in asked_for or authors)
        also = b",\r\n " + answers_to if rewritten and others else b""
        return fields, [("Reply-To", mlist.address.encode() + also)]
    return fields, [("Reply-To", answers_to)] if answers_to else []


def _joined(original: Header, name: str) -> bytes:
    """The addresses of every field `name` as they came, as one value (a field may wrongly come twice)."""
    values = (field.partition(b":")[2].strip(b" \t\r\n") for field in original.raw_fields(name))
    return b",\r\n ".join(value for value in values if value)


def _via(authors: Sequence[Mailbox], mlist: MailingList) -> str:
    names = ", ".join(author.name or local_part_of(author.address) for author in authors)
    if len(names) > _NAMES_LIMIT:
        names = names[:_NAMES_LIMIT].rstrip() + "…"
    return f"{names} via {mlist.local_part}" if names else mlist.local_part


def _phrase(name: str) -> str:
    """A display name and the blank behind it (RFC 5322 section 3.2.5); nothing for no name."""
    phrase = encoded(name)
    if phrase and not phrase.startswith("=?"):
        phrase = '"' + re.sub(r'(["\\])', r"\\\1", phrase) + '"'
    return f"{phrase} " if phrase else ""


def _mailto(address: str) -> str:
    """RFC 6068 section 2: whatever else a local part may hold is percent-encoded."""
    return "mailto:" + quote(address, safe="@!$'*+-./=_~")


def _broken_signatures(original: Header, copy: Header) -> list[bytes]:
    """DKIM signatures over a field that differs now: a broken one is worse than none (RFC 6376 3.5)."""
    signatures = original.raw_fields("dkim-signature")
    if not signatures:
        return []
    before, after = _by_name(original), _by_name(copy)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return [
        field
        for field, value in zip(signatures, original.all("dkim-signature"), strict=True)
        if changed & _signed_names(value)
    ]


def _signed_names(signature: str) -> set[bytes]:
    names = _SIGNED_FIELDS.search(signature)
    return {name.strip().lower().encode() for name in names[1].split(":")} if names else set()


def _by_name(header: Header) -> dict[bytes, list[bytes]]:
    fields: dict[bytes, list[bytes]] = defaultdict(list)
    for field in header.fields:
        fields[field.partition(b":")[0].strip().lower()].append(field)
    return fields
