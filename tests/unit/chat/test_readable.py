from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.readable import PREVIEW_CHARACTERS, PREVIEW_LINES, harmless, one_line, preview


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photo\u202egnp.exe", "photognp.exe"),
        ("bo\u200bss\ufeff", "boss"),
        ("\x1b[31mred\x07", "[31mred"),
        ("a\u2028b\r\nc\rd", "a\nb\nc\nd"),
        ("\u3164\u2800", ""),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("שלום, Élise 🥕", "שלום, Élise 🥕"),
    ],
)
def test_what_hides_or_turns_text_is_gone(text: str, shown: str) -> None:
    assert shown == harmless(text)


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    assert all(c in "\n\t" or unicodedata.category(c)[0] != "C" for c in harmless(text))


@given(st.text(), st.integers(2, 50))
def test_one_line_is_one_line_of_at_most_that_length(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert len(shown) <= limit
    assert not set(shown) & set("\n\t")


def test_quotation_and_signature_are_folded() -> None:
    mail = (
        "Bonjour,\n\nVoici :\n- carottes\n- poireaux\n\n"
        "Le lun. 3 mars 2025 à 10:00, Anne Martin <anne@example.org> a écrit :\n> salut\n> ça va ?\n"
    )
    shown = preview(mail)
    assert shown.text == "Bonjour,\n\nVoici :\n- carottes\n- poireaux"
    assert shown.folded


def test_an_answer_below_the_quotation_is_shown() -> None:
    assert preview("> On y va ?\n> Ou non ?\n\nD'accord pour jeudi.").text == "> …\n\nD'accord pour jeudi."


def test_a_mail_of_nothing_but_quotation_says_so() -> None:
    assert preview("> a\n> b").text == "> …"


def test_a_short_mail_is_whole() -> None:
    shown = preview("Bonjour,\n\nil reste des poireaux.\n")
    assert (shown.text, shown.folded) == ("Bonjour,\n\nil reste des poireaux.", False)


def test_a_long_mail_is_cut() -> None:
    by_lines, by_length = preview("\n".join(str(n) for n in range(100))), preview("mot " * 5_000)
    assert len(by_lines.text.splitlines()) == PREVIEW_LINES + 1
    assert by_lines.folded
    assert by_lines.text.endswith("…")
    assert len(by_length.text) <= PREVIEW_CHARACTERS


@given(st.text(max_size=3_000))
def test_no_text_makes_the_preview_fail_or_grow(text: str) -> None:
    assert len(preview(text).text) <= PREVIEW_CHARACTERS + 2


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["On ", "\n", "From:\n", "> ", "\n> ", "Le ", "CAUTION: mail\n", "-- \n", "_" * 40]
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    preview(piece * (20_000 // len(piece)))
