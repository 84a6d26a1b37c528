from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from bot.core.chat import Line, Screen, Span, line
from transports.telegram.render import TEXT_LIMIT, calling, card, clean, cut, length, parts, pieces

ANYTHING = st.text(st.characters(categories=None), max_size=300)
"""Lone surrogates and unassigned characters included."""

_TAG = re.compile(r"</?(?:b|code|blockquote)(?: expandable)?>")


def read(written: str) -> str:
    """What a person reads: without the tags, which must be balanced and ours."""
    opened: list[str] = []
    for tag in _TAG.findall(written):
        name = tag.strip("</>").partition(" ")[0]
        if tag.startswith("</"):
            assert opened.pop() == name
        else:
            opened.append(name)
    assert opened == []
    shown = _TAG.sub("", written)
    assert "<" not in shown
    assert ">" not in shown
    return html.unescape(shown)


@st.composite
def screens(draw: st.DrawFn) -> Screen:
    spans = st.builds(Span, ANYTHING, strong=st.booleans(), code=st.booleans())
    lines: st.SearchStrategy[tuple[Line, ...]] = st.lists(
        st.lists(spans, max_size=3).map(tuple), max_size=8
    ).map(tuple)
    return Screen(
        lines=draw(lines),
        quote=draw(ANYTHING) * draw(st.sampled_from((1, 40, 1_000))),
        below=draw(lines),
    )


@given(screens())
def test_a_card_is_one_message_that_is_never_refused(screen: Screen) -> None:
    """Balanced tags, words in it, and at most 4096 units after they are taken out."""
    part = card(screen)

    part.html.encode()
    part.plain.encode()
    assert read(part.html).strip()
    assert length(read(part.html)) <= TEXT_LIMIT
    assert 0 < length(part.plain) <= TEXT_LIMIT


@given(screens())
def test_an_answer_loses_no_word(screen: Screen) -> None:
    shown = parts(screen)

    for part in shown:
        assert 0 < length(read(part.html)) <= TEXT_LIMIT
    words = "".join(read(part.html) for part in shown)
    for said in (*screen.lines, *screen.below):
        for span in said:
            assert bare(span.text) in bare(words)
    assert bare(screen.quote) in bare(words)


def bare(text: str) -> str:
    return "".join(clean(text).replace("\u2060", "").split())


def test_markup_of_strangers_is_shown_as_it_is() -> None:
    """A name with an address in angle brackets was taken for a tag (appleboy/drone-telegram#64)."""
    hostile = 'Anne <a@b.org> & "Co" <b>bold</b> <a href="tg://user?id=1">x</a> &lt;'

    part = card(Screen(lines=(line(hostile, strong=True),), quote=hostile))

    assert read(part.html).split("\n") == [hostile, hostile]


def test_long_quotations_are_folded_and_short_ones_are_not() -> None:
    assert "<blockquote>" in card(Screen(lines=(), quote="Good morning")).html
    assert "<blockquote expandable>" in card(Screen(lines=(), quote="Good morning " * 100)).html


def test_words_of_a_mail_are_no_commands_and_call_nobody() -> None:
    """A tap on /stop in a quoted mail must not say it, and @anne is not told of anything."""
    quoted = card(Screen(lines=(), quote="/stop @anne #now a@b.org 1/2")).html

    assert "/stop" not in quoted
    assert "@anne" not in quoted
    assert "a@b.org" in quoted
    assert "1/2" in quoted


def test_what_turns_text_round_is_seen_and_what_does_not_show_is_gone() -> None:
    assert clean("invoice\u202efdp.exe") == "invoice\ufffdfdp.exe"
    assert clean("a\u200bb\ufeffc\u2060d\u00ade") == "abcde"
    assert clean("\x00\x07\udc80\ufffe") == "\ufffd" * 4
    assert clean("👨‍👩‍👧 ❤️") == "👨‍👩‍👧 ❤️"
    assert clean("a\r\nb\rc\u2028d\te") == "a\nb\nc\nd\te"


def test_a_cut_counts_as_telegram_does() -> None:
    """An emoji is two units, and is never halved."""
    assert cut("😀😀😀", 6) == "😀😀😀"
    assert cut("😀😀😀", 5) == "😀😀…"
    assert length(cut("😀" * 3_000, TEXT_LIMIT)) <= TEXT_LIMIT
    assert "".join(pieces("word " * 2_000, 4_000)) == "word " * 2_000


def test_the_last_lines_give_way_visibly_where_even_the_lines_are_too_long() -> None:
    shown = read(card(Screen(lines=tuple(line(f"{number} " + "x" * 200) for number in range(40)))).html)

    assert shown.startswith("0 x")
    assert shown.endswith("…")


def test_whoever_is_asked_is_called_by_name() -> None:
    [part] = parts(Screen(lines=(line("Why?"),)))

    called = calling(part, 42, "Anne <3")

    assert called.html == '<a href="tg://user?id=42">Anne &lt;3</a>\nWhy?'
