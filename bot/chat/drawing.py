"""Replies as screens, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.chat.desk import Option, Reply
from bot.chat.language import BabelLanguage
from bot.chat.readable import harmless
from bot.core.chat import Button, Line, Screen, line
from bot.core.text import Language

_SCREEN_CHARACTERS = 3_500


@dataclass(frozen=True, slots=True)
class Shown:
    """A reply, its lines and its screens in the reader's language."""

    reply: Reply
    text: str
    screens: tuple[Screen, ...]
    remains: Screen | None
    """What is left of the screen whose button was pressed."""


def drawn(reply: Reply, language: BabelLanguage) -> Shown:
    """The reply in the reader's words: its own screens, or its lines with its buttons and files."""
    said = [harmless(text.render(language)) for text in reply.said]
    leaves = [line(harmless(text.render(language))) for text in reply.leaves]
    return Shown(
        reply=reply,
        text="\n".join(said),
        screens=reply.screens or _screens(reply, said, language),
        remains=Screen(lines=tuple(leaves)) if leaves else None,
    )


def _screens(reply: Reply, said: Sequence[str], language: BabelLanguage) -> tuple[Screen, ...]:
    lines = tuple(line(text, strong=len(said) > 1 and number == 0) for number, text in enumerate(said))
    buttons = tuple(tuple(button(option, language) for option in row) for row in reply.options)
    *before, last = _split(lines)
    return (
        *(Screen(lines=part) for part in before),
        Screen(lines=last, buttons=buttons, files=reply.files, asks=reply.asks),
    )


def _split(lines: tuple[Line, ...]) -> list[tuple[Line, ...]]:
    """Lines in parts that every network can show at once."""
    parts: list[list[Line]] = [[]]
    length = 0
    for each in lines:
        length += sum(len(span.text) for span in each) + 1
        if length > _SCREEN_CHARACTERS and parts[-1]:
            parts.append([])
            length = 0
        parts[-1].append(each)
    return [tuple(part) for part in parts]


def button(option: Option, language: Language) -> Button:
    """What is offered, in the reader's words."""
    return Button(option.label.render(language), option.data, option.tone, option.private)


def flat(screens: Sequence[Screen]) -> str:
    """Screens as plain text."""
    parts = []
    for screen in screens:
        parts += ["".join(span.text for span in each) for each in screen.lines]
        parts += [screen.quote] if screen.quote else []
        parts += ["".join(span.text for span in each) for each in screen.below]
    return "\n".join(parts)
