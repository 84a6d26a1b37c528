"""Draws the pictures of docs/telegram.md from the cards as facteur really renders them.

    python -m tests.support.pictures

Needs chromium and a font with emoji.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from telegram import InlineKeyboardButton

from bot.chat.cards import card as card_of
from bot.chat.facts import Facts
from bot.chat.language import Languages
from bot.chat.waves import Page, wave_screen
from bot.core.addresses import Address, Mailbox
from bot.core.chat import Screen, Wave
from bot.core.clock import Clock
from bot.core.deliveries import Counts
from bot.core.lists import MailingList
from bot.core.people import Actor, Role, Standing
from bot.core.posts import Attachment, Cursor, Post, PostState
from bot.core.settings import ListSettings
from bot.core.text import Text
from transports.telegram.keyboard import Links, keyboard
from transports.telegram.render import card

HERE = Path(__file__).parents[2] / "docs/pictures"
BROWSERS = ("chromium", "google-chrome", "chromium-headless-shell")
NOW = datetime.now(UTC).replace(hour=9, minute=30)
MLIST = MailingList(1, Address("adherents@amap.example"), ListSettings(), {}, 1, paused=False, created_at=NOW)
HELD = Post(
    id=12,
    mlist_id=1,
    cursor=Cursor("INBOX", "1", "1"),
    state=PostState.HELD,
    received_at=NOW,
    size_octets=182_300,
    authors=(Mailbox("Hélène Petit", Address("helene@example.org")),),
    subject="Panier de jeudi : il manque des bras",
    message_id="<1@example.org>",
    body_sha256="",
    text="Bonjour à toutes et à tous,\n\nil nous manque deux personnes jeudi à 18 h pour la "
    "distribution, et il reste des poireaux.\n\nÀ jeudi,\nHélène",
    attachments=(Attachment("planning.pdf", "application/pdf", 120_000),),
    rule="default",
    reason=Text("every post to this list waits for a moderator"),
)
STANDING = Standing(known=True, roles=frozenset({Role.MEMBER}), posts_accepted=7, posts_refused=0)
DECIDED = replace(
    HELD,
    state=PostState.ACCEPTED,
    decisions=1,
    decided_by=Actor("telegram:1", "Anne Martin"),
    decided_at=NOW + timedelta(minutes=4),
    undo_until=NOW + timedelta(minutes=5),
)

WRITTEN = (
    ("Hélène Petit", "helene@example.org", "Panier de jeudi : il manque des bras"),
    ("Jean Roy", "jean@example.org", "Re: Panier de jeudi"),
    ("Dr. Gain", "win@casino.example", "You have won!!!"),
    ("Léa Blanc", "lea@example.org", "Qui a oublié son parapluie ?"),
    ("", "support@bank.example", "Your account is locked"),
    ("Ali Ben", "ali@example.org", "Covoiturage samedi"),
    ("Paul Noir", "paul@example.org", "Contrat œufs 2027"),
    ("Dr. Gain", "win@casino.example", "You have won again!!!"),
)
PAGE = tuple(
    replace(
        DECIDED if number == 12 else HELD, id=number, subject=subject, authors=(Mailbox(name, Address(at)),)
    )
    for number, (name, at, subject) in enumerate(WRITTEN, start=12)
)

STYLE = """
body { margin: 0; padding: 14px; background: #dfe7d8; font: 15px/1.35 'DejaVu Sans', sans-serif; }
.bubble { background: #fff; border-radius: 12px; padding: 8px 12px; max-width: 440px; white-space: pre-wrap;
          overflow-wrap: anywhere; }
.me { background: #e3f6d2; margin: 0 0 8px auto; width: fit-content; max-width: 300px; }
p { margin: 10px 0 0; }
.from { color: #3a8f48; font-weight: 600; }
blockquote { margin: 4px 0; padding: 4px 8px; border-left: 3px solid #3a8f48; background: #eef5ec;
             border-radius: 5px; }
.row { display: flex; gap: 4px; margin-top: 4px; max-width: 464px; }
.row span { flex: 1; text-align: center; background: #7d9a78; color: #fff; border-radius: 7px;
            padding: 7px 4px; font-size: 13px; white-space: nowrap; }
.row .success { background: #37a13f; } .row .danger { background: #d34b42; }
"""


def page(*shown: Screen | str, private: bool = False) -> str:
    """Messages as a client shows them, words being those of a person; the inside is what Telegram is sent."""
    messages = (_said(each) if isinstance(each, str) else _message(each, private=private) for each in shown)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{''.join(messages)}"


def _said(words: str) -> str:
    return f"<div class='bubble me'>{escape(words)}</div>"


def _message(screen: Screen, *, private: bool) -> str:
    markup = keyboard(screen, links=Links("facteur_bot", b"secret"), private=private)
    rows = markup.inline_keyboard if markup else ()
    buttons = "".join(f"<div class=row>{''.join(map(_button, row))}</div>" for row in rows)
    inside = (
        card(screen).html.replace("\n<blockquote", "<blockquote").replace("</blockquote>\n", "</blockquote>")
    )
    return f"<div class=bubble><div class=from>facteur</div>{inside}</div>{buttons}<p></p>"


def _button(button: InlineKeyboardButton) -> str:
    return f'<span class="{button.style or ""}">{escape(button.text)}</span>'


def draw(name: str, height: int, *shown: Screen | str, private: bool = False) -> None:
    """Take the picture of a card, or of a conversation."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), BROWSERS[0])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "card.html"
        file.write_text(page(*shown, private=private), encoding="utf-8")
        subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                f"--window-size=500,{height}",
                f"--screenshot={HERE / name}",
                file.as_uri(),
            ],
            check=True,
            capture_output=True,
        )


def main() -> None:
    """Every picture."""
    language = Languages("fr", ZoneInfo("Europe/Paris"), Clock()).default
    held = Facts(MLIST, (STANDING,), NOW, recipients=86)
    decided = replace(held, now=NOW + timedelta(minutes=4))
    leaving = replace(held, now=NOW + timedelta(minutes=9), counts=Counts(delivered=61, bounced=1, due=24))
    draw("telegram-held.png", 480, card_of(HELD, held, language)[0])
    draw("telegram-undo.png", 180, card_of(DECIDED, decided, language)[0])
    draw("telegram-leaving.png", 180, card_of(replace(DECIDED, undo_until=NOW), leaving, language)[0])
    wave = Wave(1, 1, tuple(range(12, 40)), frozenset(range(13, 40)), page=0)
    draw("telegram-wave.png", 760, wave_screen(wave, Page(PAGE, 0, 4), {1: MLIST}, language))


if __name__ == "__main__":
    main()
