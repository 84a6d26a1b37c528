"""HTML as the text that a moderator reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flow.markup import plain_text

_PIECES = [
    "<p>", "</p>", "<div>", "<br>", "<li>", "<table>", "<tr>", "<td>", "<svg>", "<title>", "</title>",
    "<style>", "</style>", "<script>", "<template>", "<!--", "-->", "<", ">", "&amp;", "&#0;", "&#xd800;",
    "a", " ", "\n", "\x00", "\ud800", "é",
]  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("no markup", "no markup"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one</p>two", "one\n\ntwo"),
        ("<div>one</div><div>two</div>three", "one\ntwo\nthree"),
        ("one<br>two<br/><br>three", "one\ntwo\n\nthree"),
        ("one\n  two", "one two"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<table><tr><td>1 kg</td><td>2 €</td></tr><tr><td>x</td></tr></table>", "1 kg 2 €\nx"),
        ("<b>bo</b>ld&nbsp;&eacute;t&eacute;", "bold été"),
        ("&lt;b&gt;", "<b>"),
        ("<head><title>t</title><style>p {}</style></head><body><p>b<script>s()</script></body>", "b"),
        ("<svg><title><style>x</style></title></svg>seen", "seen"),
        ("<!-- hidden -->seen", "seen"),
        ("<p>never closed", "never closed"),
        ("a<", "a<"),
        ("a\x00b", "a\ufffdb"),
    ],
)
def test_text_is_read_in_lines_and_paragraphs(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)))
def test_reading_never_fails(markup: str) -> None:
    plain_text(markup).encode()


@pytest.mark.parametrize(
    "markup", ["<div>", "<p>", "<div><b>x", "<b>", "<table>", "<!--", "&", "<", " ", "x<br>"]
)
def test_a_megabyte_of_hostile_markup_is_read_in_bounded_time(markup: str) -> None:
    plain_text(markup * (1_000_000 // len(markup)))
