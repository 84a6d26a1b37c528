"""Text for a terminal: harmless, measured, wrapped."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.terminal.text import columns, cut, visible, visible_lines, wrap


@pytest.mark.parametrize(
    ("harmful", "shown"),
    [
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("\x9b2J", "�2J"),
        ("bell\x07", "bell␇"),
        ("abc\u202egpj.exe", "abc�gpj.exe"),
        ("\u2066x\u2069", "�x�"),
        ("half \ud800", "half �"),
        ("one\r\ntwo\rthree", "one two three"),
        ("a\tb", "a    b"),
        ("del\x7f", "del␡"),
        ("↩️", "↩"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(harmful: str, shown: str) -> None:
    assert shown == visible(harmful)


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    assert not [c for c in visible(text) if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not set(visible(text)) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_quoted_lines_keep_their_ends_and_lose_blank_ones_around() -> None:
    assert visible_lines("\r\n\na\r\n\r\n  b\f \n\n") == ["a", "", "  b\u240c"]
    assert not visible_lines(" \n\n")


def test_wrapping_breaks_between_words() -> None:
    rows = wrap([("", "one two "), ("class:strong", "three")], 10)

    assert rows == [[("", "one"), ("", " "), ("", "two"), ("", " ")], [("class:strong", "three")]]


def test_each_wrapped_row_begins_with_the_prefix() -> None:
    rows = wrap([("", "some words that wrap")], 12, [("class:rule", "│ ")])

    assert ["".join(text for _, text in row) for row in rows] == ["│ some words", "│ that wrap"]


@given(st.text(), st.integers(12, 80))
def test_no_row_is_wider_than_asked_and_nothing_but_blanks_is_lost(text: str, width: int) -> None:
    shown = visible(text)

    rows = wrap([("", shown)], width)

    assert all(columns(row) <= width for row in rows)
    wrapped = "".join(text for row in rows for _, text in row)
    assert "".join(shown.split()) == "".join(wrapped.split())


def test_cut_leaves_room_for_the_ellipsis() -> None:
    assert cut("short", 5) == "short"
    assert cut("a longer one", 5) == "a lo…"
    assert cut("日本語", 4) == "日…"
