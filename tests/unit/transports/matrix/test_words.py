"""What somebody typed, as a command line."""

from __future__ import annotations

import pytest

from transports.matrix.words import is_edit, said, thread_of

NAMES = ("Facteur", "facteur", "@facteur:example.org")
REPLY = {"m.relates_to": {"m.in_reply_to": {"event_id": "$1"}}}


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("!lists", "!lists"),
        ("  /lists ", "/lists"),
        ("Facteur: lists", "!lists"),
        ("facteur lists", "!lists"),
        ("@facteur:example.org: !lists", "!lists"),
        ("@facteur, lists", "!lists"),
        ("facteur", "facteur"),
        ("facteurs are nice", "facteurs are nice"),
        ("chat", "chat"),
    ],
)
def test_the_name_in_front_makes_a_command(typed: str, line: str) -> None:
    assert said(typed, {}, NAMES) == line


def test_what_a_reply_quotes_is_not_said_again() -> None:
    quoted = "> <@anne:example.org> !dellist amap\n> really\n\n!reject 12 too long\nindeed"

    assert said(quoted, REPLY, NAMES) == "!reject 12 too long\nindeed"
    assert said("!reject 12", REPLY, NAMES) == "!reject 12"
    assert said("> !dellist amap", {}, NAMES) == "> !dellist amap"


@pytest.mark.parametrize("relation", [None, "x", {}, {"rel_type": "m.thread"}, {"event_id": 7}])
def test_a_strange_relation_is_none(relation: object) -> None:
    assert thread_of({"m.relates_to": relation}) == ""
    assert not is_edit({"m.relates_to": relation})
