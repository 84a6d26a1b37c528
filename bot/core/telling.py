"""How settings are told: to people in words, to scripts and to whoever types them as ``/set`` takes them."""

from __future__ import annotations

from enum import StrEnum
from functools import reduce
from typing import Any

from pydantic import SecretStr, ValidationError

from bot.core.settings import SECRETS, ListSettings
from bot.core.text import Text, verbatim
from bot.core.worded import Reads, Worded


def titled(key: str) -> Text:
    """What people call a setting."""
    return Text(str(ListSettings.model_fields[key].title))


def described(key: str) -> Text:
    """What it is about, in a few words."""
    return Text(str(ListSettings.model_fields[key].description))


def in_words(settings: ListSettings, key: str) -> Text:
    """A value as people read it: ``10 MB``, ``those of non-members``; secrets only as ``****``."""
    value = getattr(settings, key)
    reads = next((item for item in reversed(_metadata(key)) if isinstance(item, Reads)), Reads())
    typed_ = written(value)
    if isinstance(value, bool):
        return yes_or_no(value)
    if not value or not typed_:
        return Text(reads.nothing) if reads.nothing else Text("{value}", value=typed_ or "–")
    if isinstance(value, Worded):
        return value.words
    return reads.say(value) if reads.say else Text("{value}", value=typed_)


def value_in_words(key: str, value: str) -> Text:
    """Likewise, of a value that was stored or may be chosen; one that makes no sense any more as it is."""
    try:
        return in_words(ListSettings.model_validate({key: value}), key)
    except ValidationError:
        return verbatim(value)


def yes_or_no(value: bool) -> Text:
    """A switch, as people read it."""
    return Text("yes") if value else Text("no")


def told(settings: ListSettings, key: str) -> Text:
    """What counts, and what would be typed for it: ``Largest size: 10 MB (max_size=10MB)``."""
    if key in SECRETS:
        return Text("{title}: {value}", title=titled(key), value=in_words(settings, key))
    return Text(
        "{title}: {value} ({typed})",
        title=titled(key),
        value=in_words(settings, key),
        typed=typed(settings, key),
    )


def typed(settings: ListSettings, key: str) -> str:
    """As it would be typed for `/set`, with the quotes that it needs."""
    value = shown(settings, key)
    if key == "max_size":
        value = _briefly(settings.max_size)
    return f'{key}="{value}"' if not value or " " in value else f"{key}={value}"


def _briefly(octets: int) -> str:
    """A size in the largest unit in which it is whole."""
    for unit, name in ((1_000_000, "MB"), (1_000, "kB")):
        if octets and octets % unit == 0:
            return f"{octets // unit}{name}"
    return str(octets)


def allowed(key: str) -> Text:
    """What may stand behind ``key=``."""
    hint = next((item for item in _metadata(key) if isinstance(item, str)), "")
    if hint:
        return Text(hint)
    choices = [_allowed(key, choice) for choice in choices_of(key)]
    if not choices:
        return Text("text")
    return reduce(lambda those, other: Text("{those} / {other}", those=those, other=other), choices)


def _allowed(key: str, choice: str) -> Text:
    meaning = value_in_words(key, choice)
    if str(meaning).replace("/", "").casefold() == choice:
        return Text("{choice}", choice=choice)
    return Text("{choice} ({meaning})", choice=choice, meaning=meaning)


def _metadata(key: str) -> list[Any]:
    return ListSettings.model_fields[key].metadata


def choices_of(key: str) -> tuple[str, ...]:
    """The values that a setting may have, where these are few; else none, and a value is typed."""
    field = ListSettings.model_fields[key]
    if field.annotation is bool:
        return ("yes", "no")
    return tuple(_choices(field.annotation))


def shown(settings: ListSettings, key: str) -> str:
    """A value as it would be typed; secrets only as ``****`` or empty."""
    return written(getattr(settings, key))


def written(value: object) -> str:
    """A value of a setting as it would be typed."""
    match value:
        case SecretStr():
            return "****" if value.get_secret_value() else ""
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
        case _:
            return str(value)


def _choices(annotation: Any) -> list[str]:  # noqa: ANN401 - a type expression
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [
        choice
        for part in getattr(annotation, "__args__", ())
        for choice in ([part] if isinstance(part, str) else _choices(part))
        if choice
    ]
