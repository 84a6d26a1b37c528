"""Screens as the content of Matrix messages."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from bot.core.chat import Button, Screen, Span, line
from transports.matrix.render import Phrases, edit, harmless, message

PHRASES = Phrases()
SPECIFIED = {"blockquote", "br", "code", "details", "p", "strong", "summary"}
EVENT_OCTETS = 65_536

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src="https://tracker.example/p.gif">',
    "<form action=https://evil.example><input name=password></form>",
    '<a href="https://matrix.to/#/@anne:example.org">Anne</a>',
    "@room look here",
    "https://matrix.to/#/@anne:example.org",
    "matrix:u/anne:example.org",
    "matrix://example.org/u/anne:example.org",
    "</blockquote></details><h1>SYSTEM</h1>",
    "\x00\x1b[31m\ud800\r\n.\r\n",
]


class Tags(HTMLParser):
    """Every tag and attribute of a piece of HTML, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[Any] = []
        self.text = ""
        self.feed(markup)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "br":
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        self.text += data


def a_card(subject: str = "Carottes", quote: str = "Bonjour") -> Screen:
    return Screen(
        lines=((Span("#12 amap", strong=True), Span(f" · {subject}")), line("Anne <anne@example.org>")),
        quote=quote,
        buttons=((Button("✅ Distribute", "distribute:12:0"),), (Button("👁 Read", "read:12:0"),)),
    )


def test_a_card_is_readable_with_and_without_html() -> None:
    content = message(a_card(), PHRASES)

    assert content["body"] == (
        "#12 amap · Carottes\nAnne <anne@example.org>\n> Bonjour\n"
        "React with one of these emoji: ✅ Distribute · 👁 Read"
    )
    assert content["formatted_body"] == (
        "<p><strong>#12 amap</strong> · Carottes<br>Anne &lt;anne@example.org&gt;</p>"
        "<blockquote>Bonjour</blockquote>"
        "<p>React with one of these emoji: ✅ Distribute · 👁 Read</p>"
    )
    assert content["msgtype"] == "m.text"
    assert content["m.mentions"] == {}


def test_an_answer_without_anything_to_format_is_plain() -> None:
    content = message(Screen((line("Done."),)), PHRASES, notice=True)

    assert content == {"msgtype": "m.notice", "m.mentions": {}, "body": "Done."}


def test_a_long_text_is_folded_and_complete() -> None:
    written = "\n".join(f"line {number}" for number in range(60))
    content = message(a_card(quote=written), PHRASES)

    found = Tags(content["formatted_body"])
    assert "details" in found.tags
    assert all(f"line {number}" in found.text for number in range(60))
    assert "> line 59" in content["body"]


@pytest.mark.parametrize("words", HOSTILE)
def test_what_a_mail_says_is_text_and_pings_nobody(words: str) -> None:
    content = message(a_card(subject=words, quote=words), PHRASES)

    found = Tags(content["formatted_body"])
    assert set(found.tags) <= SPECIFIED
    assert not found.attributes
    assert content["m.mentions"] == {}
    for text in (content["body"], found.text):
        assert "@room" not in text
        assert "matrix.to" not in text
        assert "matrix:u" not in text
        assert "matrix:/" not in text
    json.dumps(content).encode()


@given(st.text(max_size=3_000), st.text(max_size=200))
def test_whatever_a_mail_says_the_event_is_valid(quote: str, subject: str) -> None:
    screen = a_card(subject=subject, quote=quote)
    for content in (message(screen, PHRASES), edit("$event", message(screen, PHRASES))):
        raw = json.dumps(content, ensure_ascii=False).encode()
        assert len(raw) * 4 / 3 < EVENT_OCTETS
        body = content.get("formatted_body") or content.get("m.new_content", {}).get("formatted_body", "")
        assert set(Tags(body).tags) <= SPECIFIED


@pytest.mark.parametrize("character", ["x", "é", "\U0001f600", "<", "\n", '"', "\x01"])
def test_a_huge_text_is_cut_to_what_an_event_takes(character: str) -> None:
    content = edit("$event", message(a_card(quote=character * 300_000), PHRASES))

    raw = json.dumps(content, ensure_ascii=False).encode()
    assert len(raw) * 4 / 3 < EVENT_OCTETS


def test_an_edit_replaces_text_and_html() -> None:
    new = message(a_card(), PHRASES)
    content = edit("$event", new)

    assert content["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$event"}
    assert content["m.new_content"] == new
    assert content["body"].startswith("* #12")
    assert content["m.mentions"] == {}


def test_ordinary_words_are_left_alone() -> None:
    said = "anne@example.org écrit : la salle (@roomies) et le site matrix.example"
    assert harmless(said) == said


def test_an_id_can_be_copied_into_the_configuration() -> None:
    assert harmless("You are matrix:@anne:example.org") == "You are matrix:@anne:example.org"
