"""Whether a person wrote a mail or a program, as far as its header says so (RFC 3834, RFC 6522)."""

from __future__ import annotations

import re

from bot.core.addresses import Address, is_deliverable, local_part_of
from bot.core.authentication import Finding
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.posts import Post
from bot.core.text import folded

_DAEMONS = re.compile(r"(mailer|mail|mda|m|delivery)-?daemon|postmaster")
_ROBOTS = re.compile(r"(abuse|sympa|mailman|majordomo|listserv|list-?serve?r?)(-.*)?")
_AWAY = re.compile(
    r"\s*(auto(matic)?[ :-]|out of office|reponse automatique|message d'absence|absence|absent|away"
    r"|vacation|abwesen)"
)
_RETURNED = re.compile(
    r"\s*(undeliver|delivery (status notification|failure|report)|mail (delivery|could not be delivered)"
    r"|returned mail|failure notice|message (non )?(remis|distribue|delivre)|non[- ]remis|non remise|echec d"
    r"|avis de non|notification d'etat de remise|rapport de non)"
)
_BULK = {"bulk", "list", "junk"}
_REPORT_TYPES = ("delivery-status", "feedback-report", "disposition-notification")


def submitted(header: Header) -> str:
    """The keyword of Auto-Submitted, in lower case; "no" where a person says to have written it."""
    return header.first("auto-submitted").partition(";")[0].strip().lower() or "no"


def is_answer(header: Header) -> bool:
    """An answer that no person wrote: an absence notice, a confirmation of receipt."""
    return (
        submitted(header).startswith("auto-replied")
        or header.has("x-autoreply")
        or header.has("x-autorespond")
        or header.first("precedence").strip().lower() == "auto_reply"
        or (is_away(header) and not is_report(header) and (has_null_return_path(header) or is_bulk(header)))
    )


def is_away(header: Header) -> bool:
    """The subject is that of an absence notice, as programs write it that mark nothing."""
    return bool(_AWAY.match(folded(header.first("subject"))))


def is_bulk(header: Header) -> bool:
    """Sent to many, or by a program that wants no answer (RFC 3834 section 2)."""
    return header.first("precedence").strip().lower() in _BULK


def is_report(header: Header) -> bool:
    """A report on a delivery, a complaint or a read receipt (multipart/report, RFC 6522)."""
    content_type = header.first("content-type").lower()
    return content_type.startswith("multipart/report") and any(kind in content_type for kind in _REPORT_TYPES)


def looks_returned(header: Header) -> bool:
    """The subject is one that servers give to mail that comes back, and nothing else says so."""
    return bool(_RETURNED.match(folded(header.first("subject"))))


def has_null_return_path(header: Header) -> bool:
    """Return-Path is ``<>``: who sent this wants no answer (RFC 5321 section 4.5.5)."""
    return header.first("return-path").replace(" ", "") == "<>"


def is_daemon(address: str) -> bool:
    """A mail server's own address."""
    return bool(_DAEMONS.fullmatch(local_part_of(address)))


def is_robot(address: str) -> bool:
    """The address of another list server or of a complaints desk."""
    return bool(_ROBOTS.fullmatch(local_part_of(address)))


def whom_to_answer(post: Post, header: Header, mlist: MailingList) -> Address | None:
    """The author, unless the mail is automatic or bulk, or an answer could not reach who wrote it."""
    author = post.author_address
    if post.authentication.finding is Finding.FORGED:
        return None
    written_by_program = (
        submitted(header) != "no"
        or is_answer(header)
        or is_report(header)
        or has_null_return_path(header)
        or is_daemon(author)
        or is_robot(author)
    )
    bulk = is_bulk(header) or header.has("list-id")
    reachable = is_deliverable(author) and author != mlist.address
    return author if reachable and not (written_by_program or bulk) else None
