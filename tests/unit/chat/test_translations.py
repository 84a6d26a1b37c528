"""Every sentence of the source tree has a French one: whoever adds a template adds both."""

from __future__ import annotations

import dataclasses
import re
import string
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bot.chat.language import DOMAIN, LANGUAGES, LOCALE_FOLDER, catalogue
from transports.terminal.layout import Phrases

ROOT = Path(__file__).parents[3]
FOLDERS = ("bot", "config", "storage", "transports")
KEYWORDS = {"Text": None, "N_": None, "counted": (1, 2)}
TRANSLATED = [code for code in LANGUAGES if code != "en"]


@cache
def templates() -> frozenset[str | tuple[str, ...]]:
    """Every template; one of values alone, such as ``{name} <{address}>``, needs no translation."""
    found: set[str | tuple[str, ...]] = {str(field.default) for field in dataclasses.fields(Phrases)}
    for folder in FOLDERS:
        for _, _, message, _, _ in extract_from_dir(
            ROOT / folder, method_map=[("**.py", "python")], keywords=KEYWORDS
        ):
            found.add(message)
    return frozenset(message for message in found if has_words(message))


def has_words(message: str | Sequence[str]) -> bool:
    """A colon counts: French wants a blank before it."""
    return bool(re.search("[a-zA-Z:]", re.sub(r"\{\w*\}", "", first(message))))


def first(message: str | Sequence[str]) -> str:
    return message if isinstance(message, str) else message[0]


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def messages(code: str) -> list[Message]:
    with (LOCALE_FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        return [message for message in read_po(file, code) if message.id]


def texts(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


@pytest.mark.parametrize("code", TRANSLATED)
def test_nothing_is_left_untranslated(code: str) -> None:
    done = {message.id for message in messages(code) if all(texts(message)) and not message.fuzzy}
    assert sorted(map(str, templates() - done)) == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_nothing_is_translated_that_nobody_says(code: str) -> None:
    known = {message.id for message in messages(code)}
    assert sorted(map(str, known - templates())) == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_has_the_values_of_its_template(code: str) -> None:
    for message in messages(code):
        for text in texts(message):
            # one of a kind may be "un": the count itself may be left out
            assert names(text) | {"count"} == names(first(message.id)) | {"count"}, text


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_fits_where_its_template_does(code: str) -> None:
    for message in messages(code):
        whole = first(message.id)
        assert whole[:1].isspace() == texts(message)[0][:1].isspace()
        assert whole.endswith(".") == texts(message)[0].endswith("."), whole


def test_french_marks_keep_to_their_word() -> None:
    """A line that breaks before a colon, or a value that stands alone before it, is read wrongly."""
    texts_ = [text for message in messages("fr") for text in texts(message)]
    assert [text for text in texts_ if re.search(r" [:;!?»](\s|$)|« ", text)] == []


def test_a_language_without_a_catalogue_speaks_english() -> None:
    assert catalogue("en").gettext("✅ Distribute") == "✅ Distribute"
    assert catalogue("fr").gettext("never written") == "never written"


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_sentence_is_translated_twice(code: str) -> None:
    """Of two, nobody knows which one is read."""
    source = (LOCALE_FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po").read_text()
    found = Counter(re.findall(r'^msgid (.*(?:\n".*)*)', source, re.MULTILINE))
    assert [sentence for sentence, count in found.items() if count > 1] == []


@pytest.mark.parametrize(
    "word",
    [r"\b(tu|ton|ta|tes|toi)\b", r"\b(fiche|feuille|canal)s?\b", "\u2019"],
)
def test_french_has_one_word_for_a_thing_and_one_way_to_speak_to_people(word: str) -> None:
    """A card is a carte, a sheet a tableau, whoever wrote a post its auteur; everybody is vous."""
    found = [text for message in messages("fr") for text in texts(message)]
    assert [text for text in found if re.search(word, text, re.IGNORECASE)] == []
