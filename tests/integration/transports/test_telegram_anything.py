"""Cards of 2,000 mails of strangers: none is refused by Telegram's rules, none says what it should not."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.header import Header

import pytest

from bot.chat.cards import card as card_of
from bot.chat.facts import AUTHORS_SHOWN, Facts
from bot.chat.language import Languages
from bot.core.addresses import Address
from bot.core.chat import Screen
from bot.core.lists import MailingList
from bot.core.people import Standing
from bot.core.posts import Cursor, Post, PostState
from bot.core.settings import ListSettings
from bot.core.text import Text
from bot.flow.reading import read
from tests.support.bot_api.texts import Rich, message_text
from tests.support.clock import ManualClock
from tests.support.office import PARIS
from transports.telegram.keyboard import Links, keyboard
from transports.telegram.render import card, parts

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
FRENCH = Languages("fr", PARIS, ManualClock(NOW)).default
MLIST = MailingList(1, Address("adherents@amap.example"), ListSettings(), {}, 1, paused=False, created_at=NOW)
STANDING = Standing(known=False, roles=frozenset())

CHUNKS, A_CHUNK = 20, 100

_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
_INGREDIENTS: tuple[Callable[[random.Random], str], ...] = (
    lambda dice: dice.choice(("Anne Martin", "Hélène", "François œuf", "李小龍", "محمد", "שלום")),
    lambda dice: dice.choice(("<b>", "</b>", "<a href='#'>", "&lt;", "&#x41;", "&", "<", ">", '"')),
    lambda dice: dice.choice(
        ("</blockquote>", "<blockquote expandable>", "<code>", "</code>\n\n", "<script>", "]]>")
    ),
    lambda dice: dice.choice(_DIRECTIONS),
    lambda dice: dice.choice("\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u115f\u3164\u2800"),
    lambda dice: chr(dice.randrange(0x20)),
    lambda dice: chr(dice.randrange(0xD800, 0xE000)),
    lambda dice: chr(dice.randrange(0x110000)),
    lambda dice: dice.choice(("👨‍👩‍👧‍👦", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "😀" * 40)),
    lambda dice: "e" + "\u0301\u0321" * dice.randrange(60),
    lambda dice: dice.choice(
        ("✅ Distribué par Anne", "#99 autre · Sujet", "/stop", "@anne", "http://a.example")
    ),
    lambda dice: dice.choice(("\n", "\r\n", "\r", "\t", "\u2028", "\x85", " " * 30)),
    lambda dice: "x" * dice.choice((10, 300, 5_000)),
    lambda dice: "*_`[~" * dice.randrange(10),
)


def anything(dice: random.Random, most: int) -> str:
    return "".join(dice.choice(_INGREDIENTS)(dice) for _ in range(dice.randrange(most)))


def octets(dice: random.Random, text: str) -> bytes:
    """The text in a charset that mails come in, or as no charset has it."""
    return text.encode(
        dice.choice(("utf-8", "latin-1", "utf-16-le", "cp1252")), dice.choice(("replace", "ignore"))
    )


def strange_mail(dice: random.Random) -> bytes:
    """Field bodies on one line each, encoded words or raw octets; sometimes 300 kB of text."""
    name, subject = (_field(dice, anything(dice, 6)) for _ in range(2))
    body = octets(dice, anything(dice, 12)) * dice.choice((1, 1, 1, 5))
    if dice.random() < 0.01:
        body = (body + b"Bonjour <b> & ") * (300_000 // (len(body) + 14) + 1)
    kind = dice.choice((b"text/plain", b"text/plain", b"text/html"))
    charset = dice.choice((b"utf-8", b"latin-1", b"none-such"))
    address = dice.choice((b"paul@example.net", b"p\xe9@ex.net", b"a&b@example.org"))
    fields = (
        b"From: %b <%b>" % (name, address),
        b"Subject: %b" % subject,
        b"Content-Type: %b; charset=%b" % (kind, charset),
    )
    return b"\r\n".join((*fields, b"", body))


def _field(dice: random.Random, text: str) -> bytes:
    line = text.replace("\r", " ").replace("\n", " ")
    if dice.random() < 0.5:
        return octets(dice, line).replace(b"\r", b" ").replace(b"\n", b" ")
    return (
        Header(line.encode("utf-8", "replace").decode(), "utf-8", maxlinelen=70)
        .encode(linesep="\r\n")
        .encode()
    )


def held(raw: bytes) -> tuple[Post, Screen]:
    """The post as it is held, and its card."""
    new = read(1, Cursor("INBOX", "1", "1"), raw, NOW)
    post = Post(
        id=12,
        mlist_id=1,
        cursor=new.cursor,
        state=PostState.HELD,
        received_at=NOW,
        size_octets=len(raw),
        authors=new.authors,
        subject=new.subject,
        message_id=new.message_id,
        body_sha256="",
        text=new.text,
        attachments=new.attachments,
        unread=new.unread,
        rule="default",
        reason=Text("the author is not a member"),
    )
    facts = Facts(MLIST, (STANDING,) * min(len(post.authors), AUTHORS_SHOWN), NOW, recipients=86)
    return post, card_of(post, facts, FRENCH)[0]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_mail_of_a_stranger_makes_a_refused_or_misleading_card(chunk: int) -> None:
    for number in range(A_CHUNK):
        seed = chunk * A_CHUNK + number
        _, screen = held(strange_mail(random.Random(seed)))

        shown = message_text(card(screen).html, "HTML")  # raises what Telegram refuses
        message_text(card(screen).plain, "")

        assert shown.text.startswith("#12 adherents · "), seed
        assert _above_the_quotation(shown) == len(screen.lines), seed
        assert not set(shown.text) & set(_DIRECTIONS), seed
        markup = keyboard(screen, links=Links("facteur_bot", b"secret"), private=False)
        assert markup
        labels = [[button.text for button in row] for row in markup.inline_keyboard]
        assert labels == [
            ["✅ Distribuer", "❌ Refuser", "🔇 Refuser sans prévenir"],
            ["👁 Lire", "➕ Autres"],
        ], seed
        assert {style.kind for style in shown.styles} <= _KINDS, seed


@pytest.mark.parametrize("chunk", range(4))
def test_the_whole_text_of_such_a_mail_can_be_shown_too(chunk: int) -> None:
    """What 👁 Read posts: in as many messages as it takes."""
    for number in range(A_CHUNK // 4):
        post, _ = held(strange_mail(random.Random(chunk * A_CHUNK + number)))
        whole = Screen(lines=(), quote=post.text)

        for part in parts(whole):
            assert {style.kind for style in message_text(part.html, "HTML").styles} <= _KINDS


_KINDS = {
    "bold",
    "blockquote",
    "expandable_blockquote",
    "url",
    "email",
    "mention",
    "bot_command",
    "hashtag",
} | {
    "cashtag",
    "phone_number",
}


def _above_the_quotation(shown: Rich) -> int:
    """How many lines stand above the author's text: not one more than the card has."""
    [quotation] = [style for style in shown.styles if "blockquote" in style.kind]
    return shown.text[: quotation.start].count("\n")
