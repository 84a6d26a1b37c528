"""How screens look in a terminal: rows of styled text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from prompt_toolkit.utils import get_cwidth

from bot.core.chat import Line, Screen, Tone
from bot.core.text import N_
from transports.terminal.board import Board, Numbered, Sheet, Shown, changes
from transports.terminal.text import Row, columns, cut, visible, visible_lines, wrap

STYLE = {
    "strong": "bold",
    "code": "ansicyan",
    "rule": "ansibrightblack",
    "plain": "ansicyan bold",
    "success": "ansigreen bold",
    "danger": "ansired bold",
    "answer": "bold",
    "echo": "ansibrightblack",
    "prompt": "ansicyan bold",
}
"""Class names of the rows here, in the colours that every terminal's own theme defines."""

_BAR: Row = [("class:rule", "│ ")]
_ENTRIES = 5
_QUOTE_IN_HISTORY = 5
_LEAST_QUOTE = 4
_WIDEST = 110
"""Longer rows are hard to read, however wide the terminal is."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """The few words that the terminal itself says, in the reader's language (``str.format`` names)."""

    show: str = N_("show")
    idle: str = N_("Nothing waits for a decision. /help lists the commands, Ctrl-D leaves.")
    press_read: str = N_("… (lines left: {count}, press Read)")
    more_lines: str = N_("… (lines left: {count})")
    more_entries: str = N_("… and {count} more")
    no_button: str = N_("There is no button {number} any more: look at the screen and try again.")
    unknown_number: str = N_("There is no button {number}. Type one of the numbers on the screen, or /help.")
    secret: str = N_(
        "🔑 What you type now is the password. For a button, type a slash too, such as /{number}."
    )
    no_command: str = N_("Commands begin with a slash: /help lists them.")
    saved: str = N_("saved as {path}")
    not_saved: str = N_("{name} could not be saved: {reason}")


@dataclass(frozen=True, slots=True)
class Space:
    """The terminal's size in columns and rows."""

    width: int
    height: int

    @property
    def text_width(self) -> int:
        # the last column stays free: a terminal that is made narrower does not break every row
        return max(20, min(self.width - 1, _WIDEST))


def said(words: str, style: str, width: int) -> list[Row]:
    """A sentence of the bot's or of the person's."""
    return wrap([(f"class:{style}", visible(words))], width)


def whole(shown: Shown, board: Board, phrases: Phrases, width: int) -> list[Row]:
    """A screen in full with its buttons, then an empty row: what goes into the scrollback.

    The mail's text in a screen that was open until now is shortened: whoever decided has seen it.
    """
    screen = shown.after
    quote = _quote(screen, width)
    if shown.closed:
        quote = _shortened(quote, _QUOTE_IN_HISTORY, phrases.more_lines)
    buttons = button_rows(board.buttons(shown.id, screen), width)
    return [*_wrapped(screen.lines, width), *quote, *_wrapped(screen.below, width), *buttons, []]


def region(board: Board, phrases: Phrases, space: Space) -> list[Row]:
    """The open screens: the current one in full as far as it fits, the others in a row each."""
    rule: Row = [("class:rule", "─" * space.text_width)]
    entries, current = board.entries, board.current
    # some rows stay for what was answered last, which stands above
    limit = space.height - max(5, space.height // 3 - 3) - 2 - min(len(entries), _ENTRIES + 1)
    # the card comes before the entries so that it has the lower numbers
    card = _fitted(current, board, phrases, Space(space.width, max(8, limit))) if current else []
    others = _entry_rows(entries, board, phrases, space.text_width)
    if not card and not others:
        return [[("class:rule", cut(phrases.idle, space.text_width))]]
    return list(chain.from_iterable([rule, *part] for part in (card, others) if part))


def _entry_rows(sheets: Sequence[Sheet], board: Board, phrases: Phrases, width: int) -> list[Row]:
    rows = [
        row
        for sheet in sheets[:_ENTRIES]
        for row in entry(sheet, board.entry_buttons(sheet, phrases.show), width)
    ]
    if len(sheets) > _ENTRIES:
        rows.append([("class:rule", phrases.more_entries.format(count=len(sheets) - _ENTRIES))])
    return rows


def _fitted(sheet: Sheet, board: Board, phrases: Phrases, space: Space) -> list[Row]:
    """The screen in at most `space.height` rows, whatever has to be left out; its buttons never are."""
    screen, width = sheet.screen, space.text_width
    buttons = button_rows(board.buttons(sheet.id, screen), width)
    height = max(2, space.height - len(buttons))
    head, below = _wrapped(screen.lines, width), _wrapped(screen.below, width)
    quote = _quote(screen, width)
    if len(head) + min(_LEAST_QUOTE, len(quote)) + len(below) > height:
        head, below = _clipped(screen.lines, width), _clipped(screen.below, width)
    quote = _shortened(quote, max(2, height - len(head) - len(below)), phrases.press_read)
    return [*_shortened([*head, *quote, *below], height, phrases.more_lines), *buttons]


def _shortened(rows: list[Row], height: int, words: str) -> list[Row]:
    """At most so many rows; the last one says how many are missing."""
    if len(rows) <= height:
        return rows
    kept = rows[: height - 1]
    bar = _BAR if rows[-1][:1] == _BAR else []
    return [*kept, [*bar, ("class:rule", words.format(count=len(rows) - len(kept)))]]


def _clipped(lines: Sequence[Line], width: int) -> list[Row]:
    """Each line in one row."""
    wrapped = [wrap(_styled(line), width - 1) for line in lines]
    return [[*rows[0], ("", "…")] if len(rows) > 1 else rows[0] for rows in wrapped]


def entry(sheet: Sheet, buttons: Sequence[Numbered], width: int) -> list[Row]:
    """An open screen in short: its first line, its buttons, and what changed since it was decided.

    In one row where that fits, else in two.
    """
    offered = list(chain.from_iterable([("", "  "), *_button(button)] for button in buttons))
    room = width - columns(offered)
    everything = summary(sheet.posted, sheet.screen)
    if get_cwidth(everything) <= room:
        return [[("", everything), *offered]]
    changed = _changed(sheet.posted, sheet.screen)
    second: list[Row] = [[("", cut(f"  {changed}", width))]] if changed else []
    return [[("", cut(_first(sheet.screen), room)), *offered], *second]


def summary(before: Screen, after: Screen) -> str:
    """The first line, and the lines that changed, in one line."""
    return " - ".join(part for part in (_first(after), _changed(before, after)) if part)


def _first(screen: Screen) -> str:
    return _plain(screen.lines[0]) if screen.lines else ""


def _changed(before: Screen, after: Screen) -> str:
    return " · ".join(_plain(line) for line in changes(before, after))


def button_rows(buttons: Iterable[Numbered], width: int) -> list[Row]:
    """``[1] ✅ Distribute  [2] ❌ Reject``: as many in a row as fit, never broken within a button."""
    rows: list[list[Numbered]] = []
    for button in buttons:
        if rows and columns(_in_a_row([*rows[-1], button])) <= width:
            rows[-1].append(button)
        else:
            rows.append([button])
    return [_in_a_row(row) for row in rows]


def _in_a_row(buttons: Sequence[Numbered]) -> Row:
    return list(chain.from_iterable([("", "  "), *_button(button)] for button in buttons))[1:]


def _button(button: Numbered) -> Row:
    tone = {Tone.SUCCESS: "success", Tone.DANGER: "danger"}.get(button.tone, "plain")
    return [(f"class:{tone}", f"[{button.number}]"), ("", f" {visible(button.label)}")]


def _wrapped(lines: Sequence[Line], width: int) -> list[Row]:
    return list(chain.from_iterable(wrap(_styled(line), width) for line in lines))


def _styled(line: Line) -> Row:
    return [(_span_style(span.strong, span.code), visible(span.text)) for span in line]


def _span_style(strong: bool, code: bool) -> str:
    return " ".join(name for name, wanted in (("class:strong", strong), ("class:code", code)) if wanted)


def _plain(line: Line) -> str:
    return "".join(visible(span.text) for span in line).strip()


def _quote(screen: Screen, width: int) -> list[Row]:
    return list(chain.from_iterable(wrap([("", text)], width, _BAR) for text in visible_lines(screen.quote)))
