"""The board of a terminal: which screens are open, which one is looked at, what each number means. Pure.

A number belongs to one button for as long as that button exists and is never given to another one,
so a number typed a moment too late can miss, but it can not decide another post.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from bot.core.chat import Button, Line, Screen, Tone

_REMEMBERED = 200
"""How many closed screens are kept to tell what a late edit changed in them."""

_ENTRY_BUTTONS = 2
"""An entry of one line shows at most so many buttons; with more it only offers to be shown in full."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A button with the number to type for it."""

    number: int
    label: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of a screen: `before` is None the first time, `live` = it has buttons and may be edited.

    `closed` is True when this very change took its buttons away.
    """

    id: str
    before: Screen | None
    after: Screen
    live: bool
    closed: bool


@dataclass(slots=True)
class Sheet:
    """An open screen; `posted` is how it looked when it was last waiting for a decision.

    `aside`: the decision is made, what is left (undo, stop) needs one line only.
    """

    id: str
    posted: Screen
    screen: Screen
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What a number stands for: a button's `data`, or, when it is None, looking at screen `id`."""

    id: str
    label: str
    data: str | None


class Board:
    """Open screens in the order in which they came."""

    def __init__(self) -> None:
        self._sheets: dict[str, Sheet] = {}
        self._closed: dict[str, Screen] = {}
        self._current = ""
        self._pressed = ""
        self._targets: dict[int, Target] = {}
        self._numbers: dict[tuple[str, str | None], int] = {}
        self.highest = 0

    @property
    def sheets(self) -> list[Sheet]:
        """Every open screen in the order of posting."""
        return list(self._sheets.values())

    @property
    def current(self) -> Sheet | None:
        """The screen to show in full: the one asked for, else the first that waits for a decision."""
        return self._sheets.get(self._current)

    @property
    def entries(self) -> list[Sheet]:
        """The other open screens: first those that can still be undone or stopped, then those that wait."""
        current = self.current
        others = [sheet for sheet in self._sheets.values() if sheet is not current]
        return sorted(others, key=lambda sheet: not sheet.aside)

    def put(self, screen_id: str, screen: Screen) -> Shown:
        """Take a new screen or a new version of one; one that is not known (any more) counts as new."""
        sheet = self._sheets.get(screen_id)
        before = sheet.screen if sheet else self._closed.get(screen_id)
        live = bool(_data(screen))
        if live and sheet:
            self._turn(sheet, screen)
        elif live:
            self._sheets[screen_id] = Sheet(screen_id, screen, screen)
        else:
            self._close(screen_id, screen)
        self._forget_numbers(screen_id, keep={*_data(screen), None} if live else set())
        self._choose()
        return Shown(screen_id, before, screen, live, closed=bool(sheet) and not live)

    def _turn(self, sheet: Sheet, screen: Screen) -> None:
        """Fewer buttons than before: decided, one line is enough. More: it waits again (undone)."""
        growth = len(_data(screen)) - len(_data(sheet.screen))
        sheet.screen = screen
        sheet.aside = growth < 0 or (sheet.aside and growth == 0)
        if not sheet.aside:
            sheet.posted = screen
        if growth > 0 and sheet.id == self._pressed:
            self._current = sheet.id

    def _choose(self) -> None:
        """Stay at the current screen while it waits, whatever happens to others; else take the first."""
        current = self.current
        if not current or current.aside:
            waiting = (sheet.id for sheet in self._sheets.values() if not sheet.aside)
            self._current = next(waiting, "")

    def _close(self, screen_id: str, screen: Screen) -> None:
        self._sheets.pop(screen_id, None)
        self._closed.pop(screen_id, None)
        self._closed[screen_id] = replace(screen, files=())  # their content may be large
        while len(self._closed) > _REMEMBERED:
            del self._closed[next(iter(self._closed))]

    def _forget_numbers(self, screen_id: str, keep: Container[str | None]) -> None:
        for (owner, data), number in list(self._numbers.items()):
            if owner == screen_id and data not in keep:
                del self._numbers[owner, data]
                del self._targets[number]

    def buttons(self, screen_id: str, screen: Screen) -> list[Numbered]:
        """The buttons with their numbers, new ones where a button is shown for the first time."""
        return [self._number(screen_id, button) for button in chain.from_iterable(screen.buttons)]

    def entry_buttons(self, sheet: Sheet, show: str) -> list[Numbered]:
        """What an entry of one line offers: its one or two buttons, else only a button called `show`."""
        if len(_data(sheet.screen)) <= _ENTRY_BUTTONS:
            return self.buttons(sheet.id, sheet.screen)
        return [self._numbered(Target(sheet.id, show, None), Tone.PLAIN)]

    def _number(self, screen_id: str, button: Button) -> Numbered:
        return self._numbered(Target(screen_id, button.label, button.data), button.tone)

    def _numbered(self, target: Target, tone: Tone) -> Numbered:
        key = (target.id, target.data)
        if key not in self._numbers:
            self.highest += 1
            self._numbers[key] = self.highest
        number = self._numbers[key]
        self._targets[number] = target
        return Numbered(number, target.label, tone)

    def target(self, number: int) -> Target | None:
        """What the number stands for now; None if there is no such button (any more)."""
        return self._targets.get(number)

    def look_at(self, screen_id: str) -> None:
        """Show this open screen in full."""
        if sheet := self._sheets.get(screen_id):
            sheet.aside = False
            self._current = screen_id

    def pressed(self, screen_id: str) -> None:
        """Remember whose button was pressed last: if that undoes a decision, it is looked at again."""
        self._pressed = screen_id


def changes(before: Screen, after: Screen) -> tuple[Line, ...]:
    """The lines of `after`, but its first, that were not in `before`."""
    known = set(_lines(before))
    return tuple(line for line in list(_lines(after))[1:] if line and line not in known)


def _lines(screen: Screen) -> Iterator[Line]:
    return chain(screen.lines, screen.below)


def _data(screen: Screen) -> frozenset[str]:
    return frozenset(button.data for row in screen.buttons for button in row)
