"""Mails that facteur itself writes to authors and owners: deliveries like any other (RFC 3834)."""

from __future__ import annotations

import email.utils
import quopri
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypedDict
from zoneinfo import ZoneInfo

from bot.core.addresses import Address, Mailbox, domain_of
from bot.core.deliveries import MailingKind, NewMailing
from bot.core.header import Header, encoded
from bot.core.lists import MailingList
from bot.core.notices import NoticeKind
from bot.core.people import Actor
from bot.core.posts import Post
from bot.core.text import locale_of
from bot.flow import automatic
from bot.flow.copy import mailbox_field
from bot.flow.wordings import VARIABLES, as_html, filled, shipped_template

_MODERATORS = {"en": "the moderators", "fr": "les modérateurs"}
"""In the place of a name that means something on one machine only."""

_MIME = (("X-Auto-Response-Suppress", "All"), ("MIME-Version", "1.0"))

Fields: TypeAlias = "list[tuple[str, str | bytes]]"

_MESSAGE_ID = re.compile(rb"<[!-;=?-~]{1,500}>")
_REFERENCES_LIMIT = 20
_SUBJECT_LIMIT = 200
_NAME_LIMIT = 80
_SUMMARY_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who runs the lists: for the texts of notices and the dates in them."""

    name: str
    language: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a notice is about: a post, and for a person's decision who it was and why.

    `by_address` is theirs, where their chat account is linked to a person; only texts of one's own tell it.
    """

    kind: NoticeKind
    post: Post
    header: Header
    mlist: MailingList
    by: Actor | None = None
    reason: str = ""
    by_address: str = ""


class _Told(TypedDict):
    """What a letter to an owner says of a post."""

    subject: str
    author: str
    number: int
    date: str


class Notices:
    """Writes notices in the language of the list."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def write(
        self, about: Occasion, due_at: datetime, own: str = "", language: str = ""
    ) -> NewMailing | None:
        """Tell the author; None where no answer must be sent.

        `own`: a template that somebody wrote, in the place of the shipped one. `language`: empty = the
        list's.
        """
        recipient = automatic.whom_to_answer(about.post, about.header, about.mlist)
        if not recipient:
            return None
        fields = _answering(about.header)
        return self._mailing(_of(about.mlist), recipient, fields, self.rendered(about, own, language), due_at)

    def letter(
        self,
        name: str,
        mlist: MailingList,
        recipient: Address,
        due_at: datetime,
        /,
        *,
        answered: Header | None = None,
        message_id: str = "",
        **variables: str | int,
    ) -> NewMailing:
        """A mail with the shipped text `name`, which is nobody's to change.

        `answered`: the header of the mail that it answers, if it does. `message_id`: empty = a fresh one.
        """
        language = self.language(mlist)
        usual = {
            "list_name": mlist.settings.description or mlist.local_part,
            "list_address": mlist.address,
            "organisation": self._organisation.name,
        }
        said = filled("", shipped_template(name, language), {**usual, **variables})
        fields: Fields = [("Auto-Submitted", "auto-generated")]
        if answered is not None:
            fields = _answering(answered)
        return self._mailing(_of(mlist), recipient, fields, said, due_at, message_id)

    def welcome(
        self, mlist: MailingList, who: Mailbox, due_at: datetime, own: str = "", language: str = ""
    ) -> NewMailing:
        """Tell a new member how to write and how to leave; `own` and `language` as for `write`."""
        fields: Fields = [
            ("Auto-Submitted", "auto-generated"),
            ("List-Unsubscribe", f"<mailto:{mlist.address}?subject=unsubscribe>"),
        ]
        said = self.welcome_text(mlist, who, due_at, own, language)
        return self._mailing(_of(mlist), who.address, fields, said, due_at)

    def welcome_text(
        self, mlist: MailingList, who: Mailbox, at: datetime, own: str = "", language: str = ""
    ) -> tuple[str, str]:
        """Subject and text; what a notice says of a post is empty in it."""
        language = language or self.language(mlist)
        variables = {
            **dict.fromkeys(VARIABLES, ""),
            "list_name": mlist.settings.description or mlist.local_part,
            "list_address": mlist.address,
            "organisation": self._organisation.name,
            "author": _shortened(who.name, _NAME_LIMIT),
            "date": self._date(at, language),
        }
        return filled(own, shipped_template(NoticeKind.WELCOME, language), variables)

    def code(
        self, code: str, account: str, sender: Mailbox, recipient: Address, language: str, due_at: datetime
    ) -> NewMailing:
        """What proves that a chat account, as people see it, is of whoever reads this."""
        variables = {
            "organisation": self._organisation.name,
            "account": _shortened(account, _NAME_LIMIT),
            "code": code,
        }
        said = filled("", shipped_template("code", language), variables)
        sender = Mailbox(sender.name or self._organisation.name, sender.address)
        return self._mailing(sender, recipient, [("Auto-Submitted", "auto-generated")], said, due_at)

    def reminder(
        self, post: Post, mlist: MailingList, owner: Address, count: int, due_at: datetime
    ) -> NewMailing:
        """Tell an owner that `count` posts have waited for a long time, `post` for the longest."""
        return self.letter("reminder", mlist, owner, due_at, count=count, **self._told_of(post, mlist))

    def cannot_leave(
        self, post: Post, mlist: MailingList, owner: Address, due_at: datetime, *, signed: bool
    ) -> NewMailing:
        """Tell an owner that the outgoing server cannot have a post as it is; `signed`: for that reason."""
        told = self._told_of(post, mlist)
        return self.letter("cannot_leave", mlist, owner, due_at, signed=int(signed), **told)

    def _mailing(
        self,
        sender: Mailbox,
        recipient: Address,
        fields: Fields,
        said: tuple[str, str],
        due_at: datetime,
        message_id: str = "",
    ) -> NewMailing:
        """A mail of a list itself, or of the installation; `said` is its subject and its text."""
        subject, text = said
        content_type, body = _alternatives(text)
        sent_at = due_at.astimezone(self._organisation.zone)
        header = _header(sender, recipient, subject, sent_at)
        if message_id:
            header = header.edited(add=[("Message-ID", message_id)])
        return NewMailing(
            kind=MailingKind.NOTICE,
            mail_from=sender.address,
            recipients=(recipient,),
            header=header.edited(add=[*fields, *_MIME, ("Content-Type", content_type)]).to_bytes(),
            body=body,
            due_at=due_at,
        )

    def rendered(self, about: Occasion, own: str = "", language: str = "") -> tuple[str, str]:
        """Subject and text."""
        post, mlist = about.post, about.mlist
        language = language or self.language(mlist)
        shipped = shipped_template(about.kind, language)
        variables = {
            "list_name": mlist.settings.description or mlist.local_part,
            "list_address": mlist.address,
            "organisation": self._organisation.name,
            "subject": _shortened(post.subject, _SUBJECT_LIMIT),
            "author": _shortened(post.author.name if post.author else "", _NAME_LIMIT),
            "moderator": about.by.name if about.by and not about.by.is_login else _MODERATORS[language],
            "moderator_email": about.by_address,
            "reason": about.reason,
            "summary": _shortened(post.text, _SUMMARY_LIMIT),
            "date": self._date(post.received_at, language),
        }
        return filled(own, shipped, variables)

    def _told_of(self, post: Post, mlist: MailingList) -> _Told:
        author = post.author.name or post.author.address if post.author else ""
        return _Told(
            subject=_shortened(post.subject, _SUBJECT_LIMIT),
            author=_shortened(author, _NAME_LIMIT),
            number=post.id,
            date=self._date(post.received_at, self.language(mlist)),
        )

    def language(self, mlist: MailingList) -> str:
        """In which the list writes to people."""
        return mlist.settings.language or self._organisation.language

    def today(self, now: datetime) -> str:
        """The day in the organisation's time zone."""
        return now.astimezone(self._organisation.zone).date().isoformat()

    def _date(self, moment: datetime, language: str) -> str:
        from babel.dates import format_date

        here = moment.astimezone(self._organisation.zone)
        return format_date(here, "long", locale=locale_of(language))


def _of(mlist: MailingList) -> Mailbox:
    return Mailbox(mlist.settings.description or mlist.local_part, mlist.address)


def _header(sender: Mailbox, recipient: Address, subject: str, sent_at: datetime) -> Header:
    return Header(()).edited(
        add=[
            ("Date", email.utils.format_datetime(sent_at)),
            ("From", mailbox_field(sender.name, sender.address)),
            ("To", f"<{recipient}>".encode("utf-8", "replace")),  # as the envelope has it (RFC 6532)
            ("Subject", encoded(subject)),
            ("Message-ID", email.utils.make_msgid(domain=domain_of(sender.address))),
        ]
    )


def _answering(answered: Header) -> Fields:
    """In the thread of the mail that it answers (RFC 3834 section 3.1)."""
    ids = _MESSAGE_ID.findall(answered.raw("message-id") or b"")[:1]
    earlier = _MESSAGE_ID.findall(answered.raw("references") or answered.raw("in-reply-to") or b"")
    references = [*earlier[-_REFERENCES_LIMIT:], *ids]
    return [
        *(("In-Reply-To", message_id) for message_id in ids),
        *[("References", b"\r\n ".join(references)) for _ in ids],
        ("Auto-Submitted", "auto-replied"),
    ]


def _shortened(words: str, limit: int) -> str:
    line = " ".join(words.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _alternatives(text: str) -> tuple[str, bytes]:
    """The text and the same as HTML (RFC 2046 section 5.1.4): Content-Type and body, CRLF line ends."""
    boundary = f"=_{secrets.token_hex(12)}"
    parts = [("plain", text), ("html", as_html(text))]
    lines = [
        b"--%s\nContent-Type: text/%s; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n%s"
        % (boundary.encode(), kind.encode(), quopri.encodestring(content.encode()))
        for kind, content in parts
    ]
    body = b"\n".join([*lines, b"--%s--\n" % boundary.encode()])
    return f'multipart/alternative; boundary="{boundary}"', body.replace(b"\n", b"\r\n")
