"""Buttons as reactions: Matrix has none, so a button is an emoji that somebody puts on the screen."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.chat import Screen

BY_HAND = frozenset({"👁", "➕"})
"""Named in the legend, but not put there by the bot: each reaction is an event of its own."""

_NUMBERS = tuple(f"{digit}\ufe0f\u20e3" for digit in "123456789")
_VARIATION_SELECTORS = str.maketrans({"\ufe0e": "", "\ufe0f": ""})
_JOINTS = frozenset({"\u200d", "\ufe0e", "\ufe0f", "\u20e3"})


@dataclass(frozen=True, slots=True)
class Keys:
    """The buttons of a screen that a reaction can press.

    Attributes:
        data: what each carries, by its emoji as `plain` makes it.
        shown: the emoji that the bot puts there itself, as they are written, in order.
        legend: emoji and what it does, of every button; empty emoji = a line to type.
    """

    data: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()


def plain(emoji: str) -> str:
    """Without variation selectors, which some clients send and others do not."""
    return emoji.translate(_VARIATION_SELECTORS)


def leading_emoji(label: str) -> str:
    """The first word of a label if it is a symbol: ``↩️`` of ``↩️ Undo``, nothing of ``Next ➡``."""
    word = label.partition(" ")[0]
    return word if (word and all(_is_symbol(character) for character in word)) or _is_number(word) else ""


def keys_of(screen: Screen) -> Keys:
    """Which emoji press which button.

    An emoji that several buttons begin with presses none of them. A button without one, or alone in
    its row, gets a number then. One that leads elsewhere, or carries a command line and has nothing
    to be pressed by, is named with the line to type.
    """
    buttons = [button for row in screen.buttons for button in row]
    alone = {id(row[0]) for row in screen.buttons if len(row) == 1}
    emoji = [leading_emoji(button.label) for button in buttons]
    times = Counter(plain(each) for each in emoji if each)
    free = [number for number in _NUMBERS if plain(number) not in times]
    data: dict[str, str] = {}
    shown, legend = [], []
    for button, own in zip(buttons, emoji, strict=True):
        numbered = free if not own or id(button) in alone else []
        key = "" if button.private else own if times[plain(own)] == 1 else next(iter(numbered), "")
        if key in free:
            free.remove(key)
        if key:
            data[plain(key)] = button.data
            legend.append((key, _rest(button.label, own)))
            if plain(key) not in BY_HAND:
                shown.append(key)
        elif (button.private or not own) and button.data.startswith("/"):
            legend.append(("", f"{button.label}: {typed_line(button.data)}"))
    return Keys(data, tuple(shown), tuple(legend))


def typed_line(data: str) -> str:
    """A command line as people type it here; clients take a line with / for one of their own."""
    return f"!{data[1:]}" if data.startswith("/") else data


def _rest(label: str, emoji: str) -> str:
    return label[len(emoji) :].strip() if emoji else label


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character) in {"So", "Sk", "Sm"} or character in _JOINTS


def _is_number(word: str) -> bool:
    return len(word) > 1 and word[0].isdigit() and word[-1] == "\u20e3"


def missing(wanted: Sequence[str], there: Mapping[str, str]) -> list[str]:
    """Those of `wanted` that are not there yet, `there` being by plain emoji."""
    return [emoji for emoji in wanted if plain(emoji) not in there]
