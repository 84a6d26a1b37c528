"""Plurals, numbers, dates and sizes of every sentence, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.chat.language import BabelLanguage
from bot.core.text import Day, Size, Text, Value
from tests.support.clock import ManualClock
from tests.unit.chat.test_translations import first, messages, names, templates, texts

NOW = datetime(2026, 11, 28, 20, 30, tzinfo=UTC)
EN, FR = (BabelLanguage(code, ZoneInfo("Europe/Paris"), ManualClock(NOW)) for code in ("en", "fr"))
PLURALS = sorted(message for message in templates() if not isinstance(message, str))
FRENCH = {message.id: texts(message) for message in messages("fr") if not isinstance(message.id, str)}
NARROW = "\u202f"
COUNTED_ONCE = {"🔏 Trust this certificate"}
"""What is never said of none."""


def said(one: str, many: str, count: int, language: BabelLanguage) -> str:
    others = {name: f"<{name}>" for name in names(one) | names(many) if name != "count"}
    return Text.counted(one, many, count, **others).render(language)


@pytest.mark.parametrize(("one", "many"), PLURALS)
def test_every_counted_sentence_has_the_form_of_its_number(one: str, many: str) -> None:
    """English counts none as many, French as one; so a French *one* tells the number too."""
    french = FRENCH[one, many]
    for count, english_form, french_form in ((0, many, 0), (1, one, 0), (2, many, 1), (1_000, many, 1)):
        others = {name: f"<{name}>" for name in names(one) | names(many)}
        wanted = {**others, "count": "1,000" if count == 1_000 else str(count)}
        assert said(one, many, count, EN) == english_form.format(**wanted)
        wanted = {**others, "count": f"1{NARROW}000" if count == 1_000 else str(count)}
        assert said(one, many, count, FR) == french[french_form].format(**wanted)
    assert "{count}" in french[0] or one in COUNTED_ONCE


NEUTRAL = re.compile(
    r"^Page |: \{count\}[),]|\(\{count\}\)$|characters|\+\{count\}|and \{count\} more"
    r"|\{count\} (bounced|to be tried)|names \{count\} authors|more than \{count\} servers"
)


def test_what_is_said_of_a_number_fits_every_number() -> None:
    """A sentence with a count has two forms, or is one that fits them all (or is only said of several)."""
    single = [message for message in templates() if isinstance(message, str) and "{count}" in message]
    assert [message for message in single if not NEUTRAL.search(message)] == []


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1_000, "1,000", f"1{NARROW}000"),
        (1_234_567, "1,234,567", f"1{NARROW}234{NARROW}567"),
        (Size(0), "0 B", "0 o"),
        (Size(1_500), "2 kB", "2 ko"),
        (Size(10_000_000), "10 MB", "10 Mo"),
        (Size(1_234_500_000), "1,234.5 MB", f"1{NARROW}234,5 Mo"),
        (Day(NOW), "28 November 2026", "28 novembre 2026"),
        (Day(datetime(2026, 8, 1, 12, tzinfo=UTC)), "1 August 2026", "1 août 2026"),
        (Day(datetime(2025, 12, 31, 23, 30, tzinfo=UTC)), "1 January 2026", "1 janvier 2026"),
        (NOW, "21:30", "21:30"),
        (NOW - timedelta(days=3), "25 Nov, 21:30", "25 nov., 21:30"),
        (NOW - timedelta(days=400), "24 Oct 2025, 22:30", "24 oct. 2025, 22:30"),
    ],
)
def test_numbers_sizes_and_moments_are_written_as_readers_write_them(
    value: Value, english: str, french: str
) -> None:
    assert (EN.value(value), FR.value(value)) == (english, french)


@pytest.mark.parametrize("language", [EN, FR], ids=["en", "fr"])
def test_a_number_that_names_something_is_no_quantity(language: BabelLanguage) -> None:
    for template, name in (("#{number}", "number"), ("host:{port}", "port"), ("post {id}", "id")):
        assert "10993" in Text(template, **{name: 10_993}).render(language)


def test_no_other_name_is_given_to_posts_and_ports() -> None:
    """Else their numbers would be set apart like quantities."""
    found = [first(message) for message in templates()]
    naming = re.compile(r"(#|\{host\}:|port |post )\{(\w+)\}")
    assert {name for each in found for _, name in naming.findall(each)} <= {"number", "port", "id"}
