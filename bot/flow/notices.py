"""Mails that facteur itself writes to authors: deliveries like any other (RFC 3834)."""

from __future__ import annotations

import email.utils
import quopri
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.core.addresses import Address, is_deliverable
from bot.core.authentication import Finding
from bot.core.deliveries import MailingKind, NewMailing
from bot.core.header import Header, encoded
from bot.core.lists import MailingList
from bot.core.people import Actor
from bot.core.posts import Post
from bot.core.text import locale_of
from bot.flow import automatic
from bot.flow.copy import mailbox_field

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_TEMPLATES = Path(__file__).parent / "templates"
_MODERATORS = {"en": "the moderators", "fr": "les modérateurs"}
"""In the place of a name that means something on one machine only."""

_BULK = {"bulk", "list", "junk"}
_MESSAGE_ID = re.compile(rb"<[!-;=?-~]{1,500}>")
_REFERENCES_LIMIT = 20
_SUBJECT_LIMIT = 200
_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who runs the lists: for the texts of notices and the dates in them."""

    name: str
    language: str
    zone: ZoneInfo


class Notices:
    """Writes notices in the language of the list."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def rejected(
        self, post: Post, header: Header, mlist: MailingList, *, by: Actor, reason: str, due_at: datetime
    ) -> NewMailing | None:
        """Tell the author that a person rejected the post; None where no answer must be sent."""
        recipient = _whom_to_answer(post, header, mlist)
        if not recipient:
            return None
        name = post.author.name if post.author else ""
        subject, text = self._render(
            "rejected",
            mlist,
            subject=_shortened(post.subject, _SUBJECT_LIMIT),
            author=_shortened(name, _NAME_LIMIT),
            moderator=by.name if not by.is_login else _MODERATORS[self._language(mlist)],
            moderator_email="",
            reason=reason,
            date=self._date(post.received_at, mlist),
        )
        sent_at = due_at.astimezone(self._organisation.zone)
        return NewMailing(
            kind=MailingKind.NOTICE,
            mail_from=mlist.address,
            recipients=(recipient,),
            header=_header(mlist, recipient, subject, header, sent_at).to_bytes(),
            body=quopri.encodestring(text.encode()).replace(b"\n", b"\r\n"),
            due_at=due_at,
        )

    def _date(self, moment: datetime, mlist: MailingList) -> str:
        from babel.dates import format_date

        here = moment.astimezone(self._organisation.zone)
        return format_date(here, "long", locale=locale_of(self._language(mlist)))

    def _language(self, mlist: MailingList) -> str:
        return mlist.settings.language or self._organisation.language

    def _render(self, name: str, mlist: MailingList, **variables: str) -> tuple[str, str]:
        """The first line of a template is the subject, the rest the text."""
        template = _environment().from_string(_template(name, self._language(mlist)))
        rendered = template.render(
            list_name=mlist.settings.description or mlist.local_part,
            list_address=mlist.address,
            organisation=self._organisation.name,
            **variables,
        )
        subject, _, text = rendered.partition("\n")
        return subject, "\n".join(text.strip().splitlines()) + "\n"


def _whom_to_answer(post: Post, header: Header, mlist: MailingList) -> Address | None:
    """The author, unless the mail is automatic or bulk, or an answer could not reach who wrote it."""
    author = post.author_address
    if post.authentication.finding is Finding.FORGED:
        return None
    written_by_program = (
        automatic.submitted(header) != "no"
        or automatic.is_answer(header)
        or automatic.is_report(header)
        or automatic.has_null_return_path(header)
        or automatic.is_daemon(author)
        or automatic.is_robot(author)
    )
    bulk = header.first("precedence").strip().lower() in _BULK or header.has("list-id")
    reachable = is_deliverable(author) and author.isascii() and author != mlist.address
    return author if reachable and not (written_by_program or bulk) else None


def _header(
    mlist: MailingList, recipient: Address, subject: str, answered: Header, sent_at: datetime
) -> Header:
    """A mail of the list itself, in the thread of the mail that it answers (RFC 3834 section 3.1)."""
    ids = _MESSAGE_ID.findall(answered.raw("message-id") or b"")[:1]
    earlier = _MESSAGE_ID.findall(answered.raw("references") or answered.raw("in-reply-to") or b"")
    references = [*earlier[-_REFERENCES_LIMIT:], *ids]
    return Header(()).edited(
        add=[
            ("Date", email.utils.format_datetime(sent_at)),
            ("From", mailbox_field(mlist.settings.description or mlist.local_part, mlist.address)),
            ("To", f"<{recipient}>"),
            ("Subject", encoded(subject)),
            ("Message-ID", email.utils.make_msgid(domain=mlist.domain)),
            *(("In-Reply-To", message_id) for message_id in ids),
            *[("References", b"\r\n ".join(references)) for _ in ids],
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "quoted-printable"),
        ]
    )


def _shortened(words: str, limit: int) -> str:
    line = " ".join(words.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(autoescape=False, trim_blocks=True, lstrip_blocks=True)


@cache
def _template(name: str, language: str) -> str:
    return (_TEMPLATES / f"{name}.{language}.txt").read_text(encoding="utf-8")
