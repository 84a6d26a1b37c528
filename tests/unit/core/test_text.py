"""Sentences keep their values typed, survive storage, and are written in plain English for logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.text import ENGLISH, Size, Text, Value, folded, verbatim

quick = settings(max_examples=150)

_moments = st.datetimes(timezones=st.just(UTC))
_plain = st.one_of(st.text(max_size=20), st.integers(), st.builds(Size, st.integers(0, 10**12)), _moments)
values: st.SearchStrategy[Value] = st.recursive(
    _plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.builds(lambda value: Text("in: {value}", value=value), inner)
    ),
    max_leaves=5,
)


@quick
@given(values, st.integers(0, 3))
def test_a_sentence_survives_storage_with_its_values(value: Value, count: int) -> None:
    text = Text.counted("{count} mail: {value}", "{count} mails: {value}", count, value=value)
    loaded = Text.load(json.loads(json.dumps(text.dump())))
    assert (loaded, str(loaded), hash(loaded)) == (text, str(text), hash(text))


@quick
@given(st.text(max_size=40))
def test_a_value_is_never_taken_for_a_template(words: str) -> None:
    assert str(Text("he said: {words}", words=words)) == f"he said: {words}"
    assert str(verbatim(words)) == words


@pytest.mark.parametrize(("count", "sentence"), [(0, "0 mails"), (1, "1 mail"), (2, "2 mails")])
def test_the_count_chooses_the_form(count: int, sentence: str) -> None:
    assert str(Text.counted("{count} mail", "{count} mails", count)) == sentence


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (12_400, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (999_999, "1 MB"),
        (1_000_000, "1 MB"),
        (10_500_000, "10.5 MB"),
        (25_000_000, "25 MB"),
    ],
)
def test_a_size_is_shown_with_its_unit(octets: int, shown: str) -> None:
    assert ENGLISH.value(Size(octets)) == shown


def test_a_moment_is_shown_in_utc_and_a_sequence_with_commas() -> None:
    noon_in_paris = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=1)))
    assert ENGLISH.value(noon_in_paris) == "2026-11-22 11:00 UTC"
    assert ENGLISH.value(["a", 2, Text("three")]) == "a, 2, three"


def test_texts_differ_when_their_values_do() -> None:
    assert Text("{n}", n=1) != Text("{n}", n=2)
    assert Text("{n}", n=1) != "1"


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("Œufs de la FORÊT", "oeufs de la foret"),
        ("Straße", "strasse"),
        ("cafe\u0301", "cafe"),
        ("Ægir", "aegir"),
    ],
)
def test_case_accents_and_ligatures_are_folded(text: str, searched: str) -> None:
    assert folded(text) == searched


@quick
@given(st.text(max_size=30))
def test_folding_words_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
