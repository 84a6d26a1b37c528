"""How screens look: what is cut, what never is."""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.chat import Button, Screen, Span, Tone, line
from tests.support.terminals import decided, held
from transports.terminal.board import Board
from transports.terminal.layout import Phrases, Space, region, whole
from transports.terminal.text import Row, columns

LONG = "\n".join(f"line {number}" for number in range(100))
PHRASES = Phrases()


def text(rows: Sequence[Row]) -> list[str]:
    return ["".join(piece for _, piece in row) for row in rows]


def shown_in(width: int, height: int, *screens: Screen) -> list[str]:
    board = Board()
    for number, screen in enumerate(screens):
        board.put(str(number), screen)
    return text(region(board, PHRASES, Space(width, height)))


def test_card_with_entries_below() -> None:
    rule = "─" * 79

    assert [
        rule,
        "#1 adherents · Vegetables",
        "Anne <anne@a.org>",
        "│ Good morning",
        "[1] ✅ Distribute  [2] ❌ Reject  [3] 🔇 Silently  [4] 👁 Read  [5] More",
        rule,
        "#2 adherents · Car pool  [6] show",
    ] == shown_in(80, 24, held(1), held(2, "Car pool"))


def test_long_quote_is_cut_to_the_terminal_and_says_how_much_is_missing() -> None:
    rows = shown_in(80, 24, held(1, quote=LONG), held(2))

    assert len(rows) <= 24 - 5
    [missing] = [row for row in rows if "press Read" in row]
    kept = sum(row.startswith("│ line") for row in rows)
    assert f"│ … (lines left: {100 - kept}, press Read)" == missing
    assert any(row.startswith("[1] ✅ Distribute") for row in rows)


def test_buttons_are_there_however_small_the_terminal_is() -> None:
    tall = replace(held(1, quote=LONG), lines=tuple(line(f"fact {number} " * 9) for number in range(30)))

    rows = shown_in(40, 12, tall)

    assert rows[-2].startswith("[1] ✅ Distribute")
    assert rows[-1].endswith("[5] More")
    assert len(rows) <= 12
    assert all(columns([("", row)]) < 40 for row in rows)


def test_long_lines_are_clipped_before_lines_are_left_out() -> None:
    screen = replace(
        held(1, quote=LONG), lines=tuple(line(f"{number} " + "word " * 30) for number in range(6))
    )

    rows = shown_in(60, 24, screen)

    assert [f"{number} word" in "".join(rows) for number in range(6)] == [True] * 6
    assert sum(row.endswith("…") for row in rows) == 6


def test_entry_shows_what_changed_beside_the_button() -> None:
    board = Board()
    board.put("a", held(1))
    board.put("a", decided(1, "✅ Distributed by Anne", Button("⏹ Stop", "stop", Tone.DANGER)))

    assert text(region(board, PHRASES, Space(100, 40)))[1:] == [
        "#1 adherents · Vegetables - ✅ Distributed by Anne  [1] ⏹ Stop"
    ]
    assert text(region(board, PHRASES, Space(50, 40)))[1:] == [
        "#1 adherents · Vegetables  [1] ⏹ Stop",
        "  ✅ Distributed by Anne",
    ]


def test_more_entries_than_fit_are_counted() -> None:
    rows = shown_in(80, 40, *(held(number) for number in range(1, 12)))

    assert rows[-1] == "… and 5 more"


def test_idle_terminal_says_what_to_do() -> None:
    assert [PHRASES.idle] == shown_in(100, 40)


def test_history_shortens_the_quote_of_what_was_decided_and_of_nothing_else() -> None:
    board = Board()
    board.put("a", held(1, quote=LONG))
    closing = board.put("a", replace(decided(1, "❌ Rejected"), quote=LONG))
    answer = board.put("b", Screen((line("Post 1 in full"),), quote=LONG))

    assert "│ … (lines left: 96)" in text(whole(closing, board, PHRASES, 80))
    assert len(text(whole(answer, board, PHRASES, 80))) == 102


def test_styles_follow_spans_and_tones() -> None:
    screen = Screen(
        lines=((Span("a", strong=True), Span("b", code=True), Span("c")),),
        buttons=((Button("yes", "y", Tone.SUCCESS), Button("no", "n", Tone.DANGER)),),
    )
    board = Board()
    shown = board.put("a", screen)

    fragments = [piece for row in whole(shown, board, PHRASES, 80) for piece in row]

    assert fragments[:3] == [("class:strong", "a"), ("class:code", "b"), ("", "c")]
    assert ("class:success", "[1]") in fragments
    assert ("class:danger", "[2]") in fragments


def test_mail_text_stays_text_in_every_part() -> None:
    evil = "\x1b]0;owned\x07"
    screen = Screen((line(evil),), evil, (line(evil),), ((Button(evil, "x"),),))
    board = Board()
    rows = text(whole(board.put("a", screen), board, PHRASES, 80)) + text(
        region(board, PHRASES, Space(80, 24))
    )

    assert not [row for row in rows if "\x1b" in row or "\x07" in row]
