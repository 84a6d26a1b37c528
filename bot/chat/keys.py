"""Kinds of parameters that name settings and their values: beside `bot.chat.kinds`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bot.chat.desk import Call, Desk
from bot.chat.kinds import RestKind, TypedOnly
from bot.chat.words import Words
from bot.core.changing import near_key, no_setting
from bot.core.errors import Meant, UserError
from bot.core.sections import Section
from bot.core.settings import ListSettings
from bot.core.text import N_, Text


@dataclass(frozen=True, slots=True)
class _Pairs(TypedOnly):
    label: str = N_("key=value...")
    question: str = N_('What shall change? For example: moderation=all, or prefix="[Our farm]".')

    async def read(self, words: Words, desk: Desk, call: Call) -> dict[str, str]:
        return words.pairs(self.label)


@dataclass(frozen=True, slots=True)
class _SettingKey(TypedOnly):
    """The name of a setting."""

    label: str = N_("KEY")
    question: str = N_("Which setting? /list shows them all.")

    async def read(self, words: Words, desk: Desk, call: Call) -> str:
        key = words.next(self.label).lower()
        if key not in ListSettings.model_fields:
            near = near_key(key)
            raise Meant(no_setting(key), key, near) if near else UserError(no_setting(key))
        return key


@dataclass(frozen=True, slots=True)
class _Section(TypedOnly):
    """A part of the settings of a list."""

    label: str = N_("SECTION")
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> Section:
        word = words.next(self.label)
        try:
            return Section(word)
        except ValueError:
            raise UserError(
                Text(
                    "There is no section {name}. There is: {names}.",
                    name=word,
                    names=[Text("{name} ({title})", name=each.value, title=each.words) for each in Section],
                )
            ) from None


Pairs = Annotated[dict[str, str], _Pairs()]
NewSettings = Annotated[
    dict[str, str],
    _Pairs(question=N_("Where is its mailbox? For example: host=imap.example.org")),
]
SettingKey = Annotated[str, _SettingKey()]
SettingValue = Annotated[str, RestKind(N_("VALUE"), N_("What shall it be?"))]
AnySection = Annotated[Section | None, _Section()]
