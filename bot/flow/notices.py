"""Mails that facteur itself writes to authors: deliveries like any other (RFC 3834)."""

from __future__ import annotations

import email.message
import email.policy
import email.utils
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.core.addresses import Address, is_deliverable
from bot.core.deliveries import MailingKind, NewMailing
from bot.core.header import Header, split
from bot.core.lists import MailingList
from bot.core.people import Actor
from bot.core.posts import Post
from bot.flow.copy import mailbox_field

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_TEMPLATES = Path(__file__).parent / "templates"
_BULK = {"bulk", "list", "junk", "auto_reply"}


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
        author = _whom_to_answer(post, header, mlist)
        if not author:
            return None
        received = post.received_at.astimezone(self._organisation.zone)
        subject, text = self._render(
            "rejected",
            mlist,
            subject=post.subject,
            author=post.author.name if post.author else "",
            moderator=by.name,
            moderator_email="",
            reason=reason,
            date=received.strftime("%d/%m/%Y" if self._language(mlist) == "fr" else "%Y-%m-%d"),
        )
        header_bytes, body = split(_mail(mlist, author, header, (subject, text)))
        return NewMailing(
            kind=MailingKind.NOTICE,
            mail_from=mlist.address,
            recipients=(author,),
            header=header_bytes.to_bytes(),
            body=body,
            due_at=due_at,
        )

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
        return " ".join(subject.split()), text.strip() + "\n"


def _whom_to_answer(post: Post, header: Header, mlist: MailingList) -> Address | None:
    """The author, unless the mail is automatic or bulk, or an answer could not reach a person."""
    automatic = header.first("auto-submitted").strip().lower() not in {"", "no"}
    bulk = header.first("precedence").strip().lower() in _BULK or header.has("list-id")
    author = post.author_address
    if automatic or bulk or author == mlist.address or not is_deliverable(author) or not author.isascii():
        return None
    return author


def _mail(mlist: MailingList, recipient: Address, answered: Header, words: tuple[str, str]) -> bytes:
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["Date"] = email.utils.localtime()
    mail["Message-ID"] = email.utils.make_msgid(domain=mlist.domain)
    mail["Subject"], text = words
    mail.set_content(text, cte="quoted-printable")
    written, body = split(mail.as_bytes())
    message_id = (answered.raw("message-id") or b"").split()
    references = [*(answered.raw("references") or b"").split()[-20:], *message_id]
    thread = [("In-Reply-To", b" ".join(message_id)), ("References", b" ".join(references))]
    header = written.edited(
        add=[
            ("From", mailbox_field(mlist.settings.description or mlist.local_part, mlist.address)),
            ("To", f"<{recipient}>"),
            *(field for field in thread if message_id),
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
        ]
    )
    return header.to_bytes() + body


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(autoescape=False, trim_blocks=True, lstrip_blocks=True)


@cache
def _template(name: str, language: str) -> str:
    return (_TEMPLATES / f"{name}.{language}.txt").read_text(encoding="utf-8")
