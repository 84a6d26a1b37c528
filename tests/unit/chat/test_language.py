from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.chat.language import Languages
from bot.core.text import Size, Text, Value
from tests.support.clock import ManualClock
from tests.support.office import PARIS

LANGUAGES = Languages("fr", PARIS, ManualClock(datetime(2026, 3, 10, 9, 0, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (datetime(2026, 3, 10, 14, 2, tzinfo=UTC), "15:02", "15:02"),
        (datetime(2026, 3, 9, 22, 59, tzinfo=UTC), "9 mars, 23:59", "9 Mar, 23:59"),
        (datetime(2026, 3, 9, 23, 1, tzinfo=UTC), "00:01", "00:01"),
        (datetime(2026, 7, 3, 12, 2, tzinfo=UTC), "3 juil., 14:02", "3 Jul, 14:02"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "1 janv., 00:30", "1 Jan, 00:30"),
        (datetime(2024, 3, 3, 13, 2, tzinfo=UTC), "3 mars 2024, 14:02", "3 Mar 2024, 14:02"),
        (Size(999), "999 o", "999 B"),
        (Size(12_300), "12 ko", "12 kB"),
        (Size(10_500_000), "10,5 Mo", "10.5 MB"),
        (["a", Text("(empty)")], "a, (vide)", "a, (empty)"),
        (12, "12", "12"),
    ],
)
def test_a_value_is_written_as_its_reader_writes_it(value: Value, french: str, english: str) -> None:
    """Moments in the organisation's zone: the time alone today, with the day this year, else the year."""
    assert LANGUAGES.of("fr").value(value) == french
    assert LANGUAGES.of("en").value(value) == english


def test_a_count_chooses_its_form() -> None:
    text = Text.counted("{count} post waits.", "{count} posts wait.", 0)
    assert text.render(LANGUAGES.of("fr")) == "0 message attend."
    assert text.render(LANGUAGES.of("en")) == "0 posts wait."


def test_an_unknown_language_is_the_organisation_s() -> None:
    assert LANGUAGES.of("").code == LANGUAGES.of("xx").code == LANGUAGES.default.code == "fr"
    assert Languages("xx", PARIS, ManualClock(datetime.now(UTC))).default.code == "en"
