"""The texts of the mails that facteur writes to authors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.chat.desk import Call, Desk, Reply
from bot.chat.kinds import ListOrAll, NoticeName, OneList, TemplateText
from bot.chat.registry import command
from bot.core.addresses import Address, Mailbox
from bot.core.chat import File
from bot.core.deliveries import NewMailing
from bot.core.errors import UserError
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.notices import NoticeKind
from bot.core.people import Actor, Rank
from bot.core.posts import Cursor, Post, PostState
from bot.core.text import LANGUAGE_NAMES, N_, Text, verbatim
from bot.flow.notices import Occasion
from bot.flow.wordings import LANGUAGES, VARIABLES, checked, shipped_template

_SWITCHES = {
    NoticeKind.HELD: "notify_held",
    NoticeKind.DISTRIBUTED: "notify_distributed",
    NoticeKind.AUTO_DISTRIBUTED: "notify_auto",
    NoticeKind.REJECTED: "notify_rejected",
    NoticeKind.WELCOME: "notify_welcome",
}
_WHOSE = {"own": N_("its own text"), "all": N_("the text of all lists"), "shipped": N_("the shipped text")}
_DEFAULT = "default"
_ANNE = Mailbox("Anne Martin", Address("anne.martin@example.org"))


def _rank(arguments: Mapping[str, Any]) -> Rank:
    return Rank.ADMIN if arguments["mlist"] is None else Rank.OWNER


@command(
    "templates",
    N_("Show the mails that authors and new members get, and whose text they have"),
    rank=Rank.OWNER,
)
async def templates(desk: Desk, call: Call, mlist: OneList) -> Reply:
    """One line for each notice and language."""
    own, of_all = await desk.stores.templates.own(mlist.id), await desk.stores.templates.own(None)
    said, rows = [], []
    for kind in NoticeKind:
        sent = bool(getattr(mlist.settings, _SWITCHES[kind]))
        for language in LANGUAGES:
            key = (kind, language)
            whose = "own" if key in own else "all" if key in of_all else "shipped"
            rows.append({"name": kind.value, "language": language, "text": whose, "sent": sent})
            template = (
                N_("✉️ {mail} ({name}, {language}): {whose}")
                if sent
                else N_("🔕 {mail} ({name}, {language}): {whose}, not sent")
            )
            written_in = LANGUAGE_NAMES[language]
            said.append(
                Text(
                    template, mail=kind.words, name=kind.value, language=written_in, whose=Text(_WHOSE[whose])
                )
            )
    return Reply(said=tuple(said), rows=rows)


@command(
    "template",
    N_("Show or change the text of a mail that authors or new members get"),
    rank=Rank.OWNER,
    raises=_rank,
    example="/template adherents held fr Merci, votre message attend d'être lu.",
)
async def template(
    desk: Desk, call: Call, mlist: ListOrAll, name: NoticeName, text: TemplateText = ""
) -> Reply:
    """Without a text the mail as it is; the word `default` brings the shipped text back."""
    lists = [mlist] if mlist else list(await desk.stores.lists.all())
    if not lists:
        raise UserError(Text("There is no list yet. /addlist makes one."))
    notices = desk.notices
    language, written = _split(text, notices.language(lists[0]))
    mlist_id = mlist.id if mlist else None
    if written:
        own = "" if written == _DEFAULT else checked(written)
        await desk.stores.templates.write(mlist_id, name, language, own)
    stored = await desk.stores.templates.text(mlist_id, name, language)
    (subject, body), mail = _preview(desk, lists[0], name, stored, language)
    files = (File(f"{name.value}.eml", "message/rfc822", mail.header + (mail.body or b"")),) if mail else ()
    return Reply(
        said=(
            *([Text("The text is stored. The mail now looks like this:")] if written else []),
            Text("Subject: {subject}", subject=subject),
            *(verbatim(line) for line in body.splitlines()),
            Text("Variables: {names}", names=list(VARIABLES)),
        ),
        rows=[
            {
                "name": name.value,
                "language": language,
                "template": stored or shipped_template(name, language),
                "own": bool(stored),
                "subject": subject,
                "text": body,
            }
        ],
        files=files,
    )


def _preview(
    desk: Desk, mlist: MailingList, name: NoticeKind, own: str, language: str
) -> tuple[tuple[str, str], NewMailing | None]:
    """Subject and text, and the mail, as somebody would get them."""
    notices, now = desk.notices, desk.clock.now()
    if name is NoticeKind.WELCOME:
        said = notices.welcome_text(mlist, _ANNE, now, own, language)
        return said, notices.welcome(mlist, _ANNE, now, own, language)
    about = _sample(name, mlist)
    return notices.rendered(about, own, language), notices.write(about, now, own, language)


def _split(text: str, usual: str) -> tuple[str, str]:
    """The language, if it is named first, and the text behind it."""
    first, _, rest = text.partition(" ") if " " in text.partition("\n")[0] else text.partition("\n")
    return (first, rest.strip()) if first in LANGUAGES else (usual, text.strip())


def _sample(kind: NoticeKind, mlist: MailingList) -> Occasion:
    """A post such as anybody could write."""
    post = Post(
        id=1,
        mlist_id=mlist.id,
        cursor=Cursor("INBOX", "", ""),
        state=PostState.HELD,
        received_at=datetime.now(UTC),
        size_octets=1_000,
        authors=(_ANNE,),
        subject="Paniers",
        message_id="",
        body_sha256="",
        text="Bonjour",
    )
    return Occasion(kind, post, Header(()), mlist, Actor("example", "Paul"), "…", "paul@example.org")
