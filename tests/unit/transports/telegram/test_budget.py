from __future__ import annotations

from dataclasses import dataclass

from transports.telegram.budget import Budget, Kind

GROUP, OTHER, PRIVATE = -100_1, -100_2, 42


@dataclass
class Time:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def sent_within_a_minute(budget: Budget, time: Time, chat: int, kind: Kind) -> int:
    """How many are sent if one is tried every 100 ms for a minute."""
    end, sent = time.now + 60, 0
    while time.now < end:
        sent += budget.take(chat, kind) == 0
        time.now += 0.1
    return sent


def test_a_group_gets_at_most_15_messages_in_any_minute() -> None:
    """However they are spread, the window is strict (python-telegram-bot#3772: the library's is not)."""
    time = Time()
    budget = Budget(time)
    sent: list[float] = []
    while time.now < 1_600:
        if budget.take(GROUP, Kind.ANSWER) == 0:
            sent.append(time.now)
        time.now += 0.7

    assert len(sent) > 100
    assert max(sum(begin <= moment < begin + 60 for moment in sent) for begin in sent) == 15


def test_cards_leave_room_for_answers() -> None:
    time = Time()
    budget = Budget(time)
    while budget.take(GROUP, Kind.CARD) == 0:
        time.now += 0.1

    assert [budget.take(GROUP, Kind.ANSWER) for _ in range(3)] == [0, 0, 0]
    assert budget.take(GROUP, Kind.ANSWER) > 0


def test_edits_do_not_wait_for_messages_nor_one_chat_for_another() -> None:
    time = Time()
    budget = Budget(time)
    sent_within_a_minute(budget, time, GROUP, Kind.ANSWER)

    assert budget.take(GROUP, Kind.EDIT) == 0
    assert budget.take(OTHER, Kind.CARD) == 0
    assert 40 < sent_within_a_minute(budget, time, PRIVATE, Kind.CARD) <= 48


def test_what_telegram_asks_to_wait_holds_for_that_chat_alone() -> None:
    """One chat's RetryAfter paused the whole bot elsewhere (alexei-led/ccgram#171)."""
    time = Time()
    budget = Budget(time)

    budget.shut(GROUP, Kind.CARD, 30)

    assert budget.take(GROUP, Kind.ANSWER) == 30
    assert budget.take(GROUP, Kind.EDIT) == 0
    assert budget.take(OTHER, Kind.CARD) == 0
    time.now += 30
    assert budget.take(GROUP, Kind.CARD) == 0


def test_an_album_is_sent_only_when_all_of_it_may_be() -> None:
    time = Time()
    budget = Budget(time)

    assert budget.take(GROUP, Kind.ANSWER, 10) == 0
    assert budget.take(GROUP, Kind.ANSWER, 6) > 0
    assert budget.take(GROUP, Kind.ANSWER, 5) == 0


def test_all_chats_together_get_at_most_25_in_any_second() -> None:
    budget = Budget(Time())

    assert sum(budget.take(-chat, Kind.CARD) == 0 for chat in range(1, 100)) == 25
