"""How settings are told: words for people, what would be typed beside them, and never a bare identifier."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.chat.language import LANGUAGES, BabelLanguage
from bot.core.audit import Subject
from bot.core.changing import validated
from bot.core.deliveries import DeliveryState
from bot.core.notices import NoticeKind
from bot.core.people import Role
from bot.core.posts import PostState
from bot.core.sections import Section
from bot.core.settings import ListSettings
from bot.core.telling import choices_of, described, in_words, titled, told, typed, value_in_words
from bot.core.worded import Worded
from tests.support.clock import ManualClock

CLOCK = ManualClock(datetime(2026, 11, 28, 12, tzinfo=UTC))
READERS = [BabelLanguage(code, ZoneInfo("Europe/Paris"), CLOCK) for code in LANGUAGES]
FRENCH = READERS[LANGUAGES.index("fr")]


@pytest.mark.parametrize(
    ("given", "english", "french"),
    [
        ("max_size=10MB", "Largest size: 10 MB", "Taille maximale : 10 Mo"),
        ("max_size=1500", "Largest size: 2 kB", "Taille maximale : 2 ko"),
        ("max_size=0", "Largest size: no limit", "Taille maximale : sans limite"),
        ("undo_s=1", "Time to undo: 1 second", "Délai pour annuler : 1 seconde"),
        ("expire_days=14", "Expiry: after 14 days", "Expiration : après 14 jours"),
        ("expire_days=0", "Expiry: never", "Expiration : jamais"),
        ("reply_to=list", "Answers go: to the whole list", "Les réponses vont : à toute la liste"),
        ("after_intake=keep", "Mails that were fetched: stay there", "Les courriels relevés : y restent"),
        ("after_intake=move:A", "Mails that were fetched: go to A", "Les courriels relevés : passent dans A"),
    ],
)
def test_a_setting_is_told_in_words_and_as_it_would_be_typed(given: str, english: str, french: str) -> None:
    key, value = given.split("=", 1)
    said = told(validated({key: value}), key)
    assert str(said) == f"{english} ({given})"
    assert " ".join(said.render(FRENCH).split()) == f"{french} ({given})"


def test_a_secret_is_told_by_dots_alone() -> None:
    assert str(told(validated({"password": "hush"}), "password")) == "Mailbox password: ****"


def test_what_is_told_can_be_typed_again() -> None:
    settings = validated({"description": "Les légumes", "max_size": "2500kB", "prefix": ""})
    assert typed(settings, "description") == 'description="Les légumes"'
    assert typed(settings, "max_size") == "max_size=2500kB"
    assert validated({"max_size": "2500kB"}).max_size == settings.max_size


def test_a_state_is_told_of_one_post() -> None:
    """The chart of /stats, which counts them, has words of its own."""
    states = (PostState.DISTRIBUTED, PostState.REJECTED, PostState.EXPIRED)
    assert [state.words.render(FRENCH) for state in states] == ["distribué", "refusé", "expiré"]


@pytest.mark.parametrize("reader", READERS, ids=LANGUAGES)
def test_no_identifier_is_told_to_people(reader: BabelLanguage) -> None:
    """Every name has a word in each language, and no value is told by what scripts call it."""
    said = {
        key: [titled(key), described(key), in_words(ListSettings(), key)] for key in ListSettings.model_fields
    }
    for key in ListSettings.model_fields:
        said[key] += [value_in_words(key, choice) for choice in choices_of(key)]
    kinds: tuple[type[Worded], ...] = (PostState, DeliveryState, Role, NoticeKind, Section, Subject)
    said |= {kind.__name__: [member.words for member in kind] for kind in kinds}
    shown = {key: [each.render(reader) for each in texts] for key, texts in said.items()}
    assert {key: texts for key, texts in shown.items() if not all(texts) or "_" in "".join(texts)} == {}
