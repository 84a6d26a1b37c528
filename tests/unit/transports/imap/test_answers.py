"""FETCH and SEARCH answers, as imaplib hands them over, are read right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transports.imap.answers import bodies, numbers, sizes


@given(st.dictionaries(st.integers(1, 2**32 - 1), st.binary(max_size=50), max_size=5), st.data())
def test_every_body_goes_to_its_own_uid_whatever_is_in_it(
    mails: dict[int, bytes], data: st.DataObject
) -> None:
    """UID before or behind the body, flag changes in between, any order."""
    answer: list[tuple[bytes, bytes] | bytes | None] = []
    for uid, raw in data.draw(st.permutations(list(mails.items()))):
        if data.draw(st.booleans()):
            answer.append(b"9 (FLAGS (\\Seen) UID 99)")
        if data.draw(st.booleans()):
            answer += [(b"1 (UID %d BODY[] {%d}" % (uid, len(raw)), raw), b")"]
        else:
            answer += [(b"1 (BODY[] {%d}" % len(raw), raw), b" UID %d)" % uid]
    assert bodies(answer) == mails


def test_a_body_without_a_uid_belongs_to_nobody() -> None:
    assert bodies([(b"1 (BODY[] {3}", b"abc"), b")"]) == {}


def test_a_literal_that_is_not_the_body_is_not_taken_for_it() -> None:
    assert bodies([(b"1 (UID 7 BODY[HEADER] {3}", b"abc"), b")"]) == {}


def test_nil_and_no_answer_are_no_bodies() -> None:
    assert bodies([b"1 (UID 7 BODY[] NIL)"]) == {}
    assert bodies([None]) == {}


def test_sizes_come_by_uid() -> None:
    assert sizes([b"1 (UID 7 RFC822.SIZE 12)", b"2 (RFC822.SIZE 0 UID 8)", b"3 (UID 9)"]) == {7: 12, 8: 0}


def test_uids_are_sorted_and_may_come_in_several_lines() -> None:
    assert numbers([b"3 1", b"2 x", None]) == [1, 2, 3]
    assert numbers([None]) == []
