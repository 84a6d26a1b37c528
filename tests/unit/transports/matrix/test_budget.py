"""What may be sent when, against a homeserver that counts as a stock Synapse does."""

from __future__ import annotations

import pytest

from transports.matrix.budget import Budget, Urgency


class Watch:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_nothing_waits_before_the_server_has_refused_something(watch: Watch) -> None:
    budget = Budget(watch)
    for _ in range(100):
        assert budget.wait(Urgency.CARD) == 0
        budget.sent(Urgency.CARD)


def test_reactions_let_the_cards_go_first(watch: Watch) -> None:
    budget = Budget(watch)
    budget.sent(Urgency.CARD)

    assert budget.wait(Urgency.CARD) == 0
    assert 0 < budget.wait(Urgency.REACTION) < 1


def test_when_the_server_asks_to_wait_everything_does(watch: Watch) -> None:
    budget = Budget(watch)
    budget.shut(Urgency.REACTION, 5)

    assert budget.wait(Urgency.CARD) == budget.wait(Urgency.ANSWER) == 5
    watch.seconds += 5
    assert budget.wait(Urgency.CARD) == 0


def test_a_card_that_was_refused_has_the_first_turn(watch: Watch) -> None:
    budget = Budget(watch)
    budget.shut(Urgency.CARD, 5)
    watch.seconds += 5

    assert budget.wait(Urgency.CARD) == 0
    assert budget.wait(Urgency.ANSWER) > 0
    assert budget.wait(Urgency.REACTION) > 0


def test_once_refused_reactions_leave_something_for_cards(watch: Watch) -> None:
    """The server has room for one event after five seconds; the reactions take the third."""
    budget = Budget(watch)
    budget.shut(Urgency.REACTION, 5)
    watch.seconds += 6
    assert budget.wait(Urgency.REACTION) > 0
    watch.seconds += 10
    assert budget.wait(Urgency.REACTION) == 0


def test_a_limit_that_refuses_nothing_for_a_minute_is_forgotten(watch: Watch) -> None:
    budget = Budget(watch)
    budget.shut(Urgency.REACTION, 5)
    watch.seconds += 61
    for _ in range(50):
        assert budget.wait(Urgency.REACTION) == 0
        budget.sent(Urgency.REACTION)


def test_a_server_that_takes_more_than_a_stock_one_limits_no_more(watch: Watch) -> None:
    """Its administrator has lifted the limit: reactions need not crawl after a wave of answers."""
    budget = Budget(watch)
    budget.shut(Urgency.CARD, 5)
    watch.seconds += 6
    assert budget.together == 1
    for _ in range(12):
        budget.sent(Urgency.ANSWER)
    watch.seconds += 1

    assert budget.wait(Urgency.REACTION) == 0
    assert budget.together > 1


def test_reactions_never_sleep_through_the_end_of_a_limit(watch: Watch) -> None:
    """Eight events after a refusal nearly a minute seems to be missing; a few more show that none is."""
    budget = Budget(watch)
    budget.shut(Urgency.CARD, 5)
    watch.seconds += 6
    for _ in range(9):
        budget.sent(Urgency.CARD)
    assert 0 < budget.wait(Urgency.REACTION) <= 1

    watch.seconds += 1
    assert budget.wait(Urgency.REACTION) > 0
    for _ in range(3):
        budget.sent(Urgency.CARD)
    watch.seconds += 1
    assert budget.wait(Urgency.REACTION) == 0
