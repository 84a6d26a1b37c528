"""The board: what is current, what steps aside, what a number means."""

from bot.core.chat import Button, Screen, line
from tests.support.terminals import decided, held
from transports.terminal.board import Board, Sheet, changes

UNDO = Button("↩️ Undo", "undo")


def numbers(board: Board, sheet: Sheet) -> list[int]:
    return [button.number for button in board.buttons(sheet.id, sheet.screen)]


def current(board: Board) -> Sheet:
    assert board.current
    return board.current


def test_first_waiting_screen_is_current_and_the_others_are_entries() -> None:
    board = Board()
    for name in ("a", "b", "c"):
        board.put(name, held(1))

    assert current(board).id == "a"
    assert [sheet.id for sheet in board.entries] == ["b", "c"]


def test_screen_without_buttons_never_opens() -> None:
    shown = Board().put("a", Screen((line("Lists"),)))

    assert (shown.live, shown.closed, shown.before) == (False, False, None)


def test_number_is_never_given_to_another_button() -> None:
    """Typed a moment too late, 1 must not distribute the next post."""
    board = Board()
    board.put("a", held(1))
    board.put("b", held(2))
    first = numbers(board, current(board))

    board.put("a", decided(1, "❌ Rejected"))
    second = numbers(board, current(board))

    assert first == [1, 2, 3, 4, 5]
    assert second == [6, 7, 8, 9, 10]
    assert [board.target(number) for number in first] == [None] * 5


def test_button_keeps_its_number_when_its_screen_is_edited() -> None:
    board = Board()
    board.put("a", held(1))
    before = numbers(board, current(board))

    board.put("a", held(1, quote="corrected"))

    assert before == numbers(board, current(board))


def test_decided_card_steps_aside_and_the_next_becomes_current() -> None:
    board = Board()
    board.put("a", held(1))
    board.put("b", held(2))

    board.put("a", decided(1, "✅ Distributed", UNDO))

    assert current(board).id == "b"
    assert [(sheet.id, sheet.aside) for sheet in board.entries] == [("a", True)]
    assert [button.label for button in board.entry_buttons(board.entries[0], "show")] == ["↩️ Undo"]


def test_card_aside_stays_aside_while_its_one_button_changes() -> None:
    board = Board()
    board.put("a", held(1))
    board.put("a", decided(1, "✅ Distributed", UNDO))

    board.put("a", decided(1, "10/86 sent", Button("⏹ Stop", "stop")))

    assert board.current is None
    assert [sheet.aside for sheet in board.entries] == [True]


def test_undone_by_somebody_else_does_not_take_away_the_card_that_is_read() -> None:
    board = Board()
    board.put("a", held(1))
    board.put("b", held(2))
    board.put("a", decided(1, "✅ Distributed", UNDO))

    board.put("a", held(1))

    assert current(board).id == "b"
    assert [sheet.aside for sheet in board.entries] == [False]


def test_undone_from_here_is_looked_at_again() -> None:
    board = Board()
    board.put("a", held(1))
    board.put("b", held(2))
    board.put("a", decided(1, "✅ Distributed", UNDO))

    board.pressed("a")
    board.put("a", held(1))

    assert current(board).id == "a"


def test_entry_with_many_buttons_offers_to_show_it() -> None:
    board = Board()
    board.put("a", held(1))
    board.put("b", held(2))
    [show] = board.entry_buttons(board.entries[0], "show")

    target = board.target(show.number)
    assert target
    assert (target.id, target.label, target.data) == ("b", "show", None)

    board.look_at("b")
    assert current(board).id == "b"


def test_looking_at_a_screen_that_closed_changes_nothing() -> None:
    board = Board()
    board.put("a", held(1))
    board.look_at("gone")

    assert current(board).id == "a"


def test_edit_of_an_unknown_screen_opens_it() -> None:
    """After a restart the cards of the last session are shown again as they change."""
    board = Board()

    shown = board.put("of the last session", held(1))

    assert shown.before is None
    assert current(board).id == "of the last session"


def test_closed_screen_is_remembered_for_late_edits() -> None:
    board = Board()
    board.put("a", held(1))
    closing = board.put("a", decided(1, "✅ Distributed"))
    late = board.put("a", decided(1, "86/86 sent"))

    assert (closing.closed, late.closed) == (True, False)
    assert late.before == decided(1, "✅ Distributed")


def test_memory_of_closed_screens_is_bounded() -> None:
    board = Board()
    for number in range(1_000):
        board.put(str(number), Screen((line(str(number)),)))

    assert board.put("0", Screen((line("late"),))).before is None
    assert board.put("999", Screen((line("late"),))).before


def test_changes_are_the_new_lines_without_the_first() -> None:
    assert changes(held(1), decided(1, "✅ Distributed")) == (line("✅ Distributed"),)
    assert changes(held(1), held(1)) == ()
