"""Values that people read in words: each name of an enumeration says beside it how it reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from bot.core.text import Text


class Worded(StrEnum):
    """Names that are typed, stored and given to scripts, each with what people read in its place.

    A member is written ``NAME = "name", N_("as people read it")``.
    """

    _value_: str
    template: str
    """As an English template for the reader's language."""

    def __new__(cls, value: str, template: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.template = template
        return member

    @property
    def words(self) -> Text:
        return Text(self.template)


@dataclass(frozen=True, slots=True)
class Reads:
    """How people read a value whose type alone does not tell.

    Attributes:
        say: what they read; None = the value as it is.
        nothing: what they read where it is empty or 0, as a template; empty = nothing special.
    """

    say: Callable[[Any], Text] | None = None
    nothing: str = ""
