"""Who may write in a Matrix room."""

from __future__ import annotations

from typing import Any

import pytest

from transports.matrix.rights import Rights

BOT, ANNE = "@facteur:example.org", "@anne:example.org"


def event(kind: str, sender: str = ANNE, **content: Any) -> dict[str, Any]:
    return {"type": kind, "state_key": "", "sender": sender, "content": content}


def levels(**content: Any) -> dict[str, Any]:
    return event("m.room.power_levels", **content)


CREATED = event("m.room.create", room_version="10")
ENCRYPTED = event("m.room.encryption", algorithm="m.megolm.v1.aes-sha2")
ONLY_50 = levels(events_default=50)
NEWEST = event("m.room.create", sender=BOT, room_version="12")


@pytest.mark.parametrize(
    ("state", "may"),
    [
        ([], True),
        ([CREATED], True),
        ([CREATED, levels()], True),
        ([CREATED, ONLY_50], False),
        ([CREATED, levels(events_default=50, users={BOT: 50})], True),
        ([CREATED, levels(events_default=50, users_default=50)], True),
        ([CREATED, levels(events_default=50, users_default=50, users={BOT: 0})], False),
        ([CREATED, levels(events={"m.room.message": 50})], False),
        ([CREATED, ENCRYPTED, levels(events={"m.room.message": 50})], True),
        ([CREATED, ENCRYPTED, levels(events={"m.room.encrypted": 50})], False),
        ([CREATED, levels(users={BOT: -1})], False),
        ([CREATED, levels(events_default="50", users={BOT: "50"})], True),
        ([CREATED, levels(events_default="50", users={BOT: "x"})], False),
        ([CREATED, levels(events=[], users="x", users_default=None)], True),
        ([event("m.room.create", sender=BOT, room_version="11"), ONLY_50], False),
        ([event("m.room.create", sender=BOT), ONLY_50], False),
        ([NEWEST, ONLY_50], True),
        ([event("m.room.create", room_version="12", additional_creators=[BOT]), ONLY_50], True),
        ([event("m.room.create", room_version="12", additional_creators=BOT), ONLY_50], False),
        ([event("m.room.create", room_version="12"), ONLY_50], False),
        ([CREATED, ONLY_50, {**levels(), "state_key": "other"}], False),
        ([CREATED, ONLY_50, {"type": "m.room.power_levels", "content": {}}], False),
    ],
)
def test_who_may_write(state: list[dict[str, Any]], may: bool) -> None:
    rights = Rights()
    rights.follow(state)
    assert rights.may_write(BOT) is may


def test_new_levels_take_the_place_of_the_old_ones() -> None:
    """Whoever is not named any more has the level of everybody."""
    rights = Rights()
    assert rights.follow([CREATED, levels(events_default=50, users={BOT: 50})])
    assert rights.follow([ONLY_50])
    assert not rights.may_write(BOT)
    assert not rights.follow([ONLY_50, event("m.room.name", name="moderation")])
    assert rights.follow([levels()])
    assert rights.may_write(BOT)
