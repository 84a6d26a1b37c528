"""One line of chat, taken apart: a command's name, words, ``key=value`` pairs, the rest as typed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bot.core.errors import UserError
from bot.core.header import readable
from bot.core.text import Text

_COMMAND = re.compile(r"\s*[/!]([A-Za-z0-9_]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL)
_WORD = re.compile(
    r"""\s*(?:(?P<key>[a-z][a-z0-9_]*)=)?   # only what starts with a key is a pair
        (?:"(?P<quoted>(?:[^"\\]|\\.)*)"(?!\S)|“(?P<curly>[^”]*)”(?!\S)|(?P<plain>\S*))""",
    re.VERBOSE | re.DOTALL,
)


class Missing(UserError):
    """A parameter that cannot be left out is not there.

    Attributes:
        label: what usage lines call it.
        explained: `text` says more than that it is missing.
        word: what stands in its place and may be meant for the next parameter; empty at the end.
        near: what could stand there and `word` nearly is; empty if nothing is like it.
    """

    def __init__(self, label: str, text: Text | None = None, *, word: str = "", near: str = "") -> None:
        super().__init__(text or Text("{label} is missing.", label=Text(label)))
        self.label = label
        self.explained = text is not None
        self.word = word
        self.near = near


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed: its name in lower case, the rest of the line as it came."""

    name: str
    rest: str


def typed(line: str) -> Typed | None:
    """``/name ...``, ``!name ...`` or ``/name@botname ...``; None for words that are no command.

    Characters that nobody types, and no database holds, do not reach it.
    """
    match = _COMMAND.fullmatch(readable(line))
    return Typed(match[1].lower(), (match[2] or "").strip()) if match else None


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    key: str
    value: str
    unclosed: bool = False
    """It starts with a quotation mark that nothing closes."""


class Words:
    """The arguments of a command, taken one after the other.

    Pairs whose key is one of `options` are set aside; what looks like another pair is a word, since
    a reason or a search may well contain ``a=b``.
    """

    def __init__(self, line: str, options: Collection[str] = ()) -> None:
        set_aside = [word for word in _split(line) if word.key in options]
        for word in reversed(set_aside):
            line = line[: word.start] + line[word.end :]
        self.options = {word.key: word.value for word in set_aside}
        self._line = line
        self._waiting = _split(line)

    @classmethod
    def single(cls, value: str) -> Words:
        """One word that is `value`, whatever is in it."""
        words = cls("")
        words._waiting = [_Word(0, len(value), "", value)]
        return words

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def at_pair(self) -> bool:
        """Whether the next word looks like ``key=value``."""
        return bool(self._waiting) and bool(self._waiting[0].key)

    def peek(self) -> str:
        """The next word without its quotes; empty at the end."""
        return self._whole(self._waiting[0]) if self._waiting else ""

    def next(self, label: str) -> str:
        """Take a word. Raises Missing, which names `label`, at the end."""
        if not self._waiting:
            raise Missing(label)
        return self._whole(self._waiting.pop(0))

    def rest(self, label: str) -> str:
        """Take all that is left as it was typed, line ends included. Raises Missing at the end."""
        if not self._waiting:
            raise Missing(label)
        taken, self._waiting = self._waiting, []
        if len(taken) == 1:
            return self._whole(taken[0])
        return self._line[taken[0].start :].strip()

    def pairs(self, label: str) -> dict[str, str]:
        """Take all that is left as ``key=value`` pairs. Raises UserError where one is none."""
        if not self._waiting:
            raise Missing(label)
        taken, self._waiting = self._waiting, []
        for word in taken:
            if not word.key:
                raise UserError(
                    Text(
                        '“{word}” should be written key=value, such as prefix="[Our farm]"; the quotes keep '
                        "words together.",
                        word=word.value,
                    )
                )
            if word.unclosed:
                raise UserError(Text("The quotation mark after {key}= is never closed.", key=word.key))
        return {word.key: word.value for word in taken}

    def _whole(self, word: _Word) -> str:
        return f"{word.key}={word.value}" if word.key else word.value


def _split(line: str) -> list[_Word]:
    return [
        _Word(
            start=match.end() - len(match[0].lstrip()),
            end=match.end(),
            key=match["key"] or "",
            value=_value(match),
            unclosed=(match["plain"] or "").startswith(('"', "“")),
        )
        for match in _WORD.finditer(line)
        if match[0].strip()
    ]


def _value(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return re.sub(r'\\(["\\])', r"\1", match["quoted"])
    if match["curly"] is not None:
        return match["curly"]
    return match["plain"]
