"""Sentences for people: English templates with typed values, rendered in the reader's language.

English is the message id, so a sentence is written once, where it arises, and a catalogue only
adds other languages (gettext). Values keep their type until a reader is known: a moment is shown
in the organisation's time zone, a size with its unit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from typing_extensions import override  # in the standard library from Python 3.12 on


@dataclass(frozen=True, slots=True)
class Size:
    """A number of octets, shown as ``12 kB`` or ``10.5 MB`` (decimal units)."""

    octets: int


@dataclass(frozen=True, slots=True)
class Day:
    """The day on which a moment was, for the reader: ``3 March 2026``."""

    moment: datetime


Value: TypeAlias = "str | int | Size | Day | datetime | Text | Sequence[Value]"


_NAMING = frozenset({"number", "id", "port", "line"})
"""Names under which templates have numbers of posts, ports and lines."""


class Language(Protocol):
    """What a reader understands: implemented with Babel in ``bot.chat.language``."""

    def sentence(self, template: str) -> str:
        """Translate one template; an unknown one comes back as it is."""
        ...

    def plural(self, one: str, many: str, count: int) -> str:
        """Translate the form that the language uses for `count`."""
        ...

    def value(self, value: Value) -> str:
        """Write one value as readers of this language write it."""
        ...


def N_(template: str) -> str:  # noqa: N802 - gettext's customary name for "mark, do not translate"
    """Mark a template for extraction; it is translated later, when a reader is known."""
    return template


class Text:
    """A template (``str.format`` names only) and its values; equal if all of these are.

    >>> str(Text("held: {size}, limit {limit}", size=Size(12_000), limit=Size(10_000)))
    'held: 12 kB, limit 10 kB'
    """

    __slots__ = ("plural", "template", "values")

    def __init__(self, template: str, /, **values: Value) -> None:
        self.template = template
        self.plural = ""
        self.values: Mapping[str, Value] = values

    @classmethod
    def counted(cls, one: str, many: str, /, count: int, **values: Value) -> Text:
        """Two forms, chosen by `count`, which is also the value ``{count}``."""
        text = cls(one, count=count, **values)
        text.plural = many
        return text

    def render(self, language: Language) -> str:
        """The sentence in `language`, values included."""
        count = self.values.get("count")
        if self.plural and isinstance(count, int):
            template = language.plural(self.template, self.plural, count)
        else:
            template = language.sentence(self.template)
        return template.format(
            **{name: _written(name, value, language) for name, value in self.values.items()}
        )

    def dump(self) -> dict[str, Any]:
        """A JSON value from which `load` makes an equal text."""
        return {"t": self.template, "p": self.plural, "v": {k: _dump(v) for k, v in self.values.items()}}

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Text:
        """The text that `dump` stored."""
        text = cls(stored["t"], **{name: _load(value) for name, value in stored["v"].items()})
        text.plural = stored["p"]
        return text

    @override
    def __str__(self) -> str:
        return self.render(ENGLISH)

    @override
    def __repr__(self) -> str:
        return f"Text({str(self)!r})"

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.dump() == other.dump()

    @override
    def __hash__(self) -> int:
        return hash((self.template, self.plural))


def _written(name: str, value: Value, language: Language) -> str:
    """A number that names something is no quantity: nobody writes port 1 025 or post #1 025."""
    return str(value) if name in _NAMING and isinstance(value, int) else language.value(value)


def verbatim(words: str) -> Text:
    """Words that are nobody's to translate: a server's reply, a moderator's reason."""
    return Text("{words}", words=words)


def unseen(character: str) -> bool:
    """Whether it shows as nothing, or changes how others show: a control, a direction, a separator.

    Unicode categories C* (surrogates and unassigned characters too), Zl and Zp.
    """
    return unicodedata.category(character) in _UNSEEN


def revealed(text: str) -> str:
    """With U+FFFD in the place of all that shows as nothing: what only looks like another word does not."""
    return "".join("\ufffd" if unseen(each) or each in BLANK_LETTERS else each for each in text)


def undirected(text: str) -> str:
    """With U+FFFD in the place of the characters that turn text round, and all others kept."""
    return _DIRECTIONS.sub("\ufffd", text)


BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters, marks and symbols that show as nothing: a name made of them would be invisible."""

_DIRECTIONS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def folded(text: str) -> str:
    """The form in which words are searched and sorted: case, accents and ligatures folded.

    >>> folded("Œufs de la FORÊT")
    'oeufs de la foret'
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold().translate(_LIGATURES)


LANGUAGE_NAMES = {"en": "English", "fr": "français"}
"""By code, each in its own words."""


def locale_of(language: str) -> str:
    """The locale whose dates and numbers the readers of a language expect."""
    # the day before the month and 24 hours, as everybody who is not American writes
    return "en_GB" if language == "en" else language


def _dump(value: Value) -> Any:  # noqa: ANN401 - JSON
    match value:
        case Text():
            return {"text": value.dump()}
        case Size():
            return {"size": value.octets}
        case Day():
            return {"day": value.moment.isoformat()}
        case datetime():
            return {"at": value.isoformat()}
        case str() | int():
            return value
        case _:
            return [_dump(item) for item in value]


def _load(value: Any) -> Value:  # noqa: ANN401 - JSON
    match value:
        case {"text": text}:
            return Text.load(text)
        case {"size": octets}:
            return Size(octets)
        case {"day": moment}:
            return Day(datetime.fromisoformat(moment))
        case {"at": moment}:
            return datetime.fromisoformat(moment)
        case list():
            return [_load(item) for item in value]
        case _:
            return value  # type: ignore[no-any-return]  # str or int, as _dump left it


class _English:
    """The language of the templates themselves: for logs and for ``str(error)``."""

    def sentence(self, template: str) -> str:
        return template

    def plural(self, one: str, many: str, count: int) -> str:
        return one if count == 1 else many

    def value(self, value: Value) -> str:
        match value:
            case Text():
                return value.render(self)
            case Size():
                return plain_size(value)
            case Day():
                return value.moment.astimezone(UTC).date().isoformat()
            case datetime():
                return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
            case str() | int():
                return str(value)
            case _:
                return ", ".join(self.value(item) for item in value)


def plain_size(size: Size) -> str:
    """``999 B``, ``12 kB``, ``10.5 MB``: one decimal at most, never a trailing zero."""
    if size.octets < 1_000:
        return f"{size.octets} B"
    if size.octets < 999_500:  # from here on it would round to 1000 kB
        return f"{size.octets / 1_000:.0f} kB"
    return f"{size.octets / 1_000_000:.1f}".removesuffix(".0") + " MB"


def fingerprint(sha256: str) -> str:
    """A certificate's SHA-256, from plain hexadecimal, as other programs show it: ``AB:01:...``."""
    return ":".join(sha256[place : place + 2] for place in range(0, len(sha256), 2)).upper()


ENGLISH: Language = _English()
