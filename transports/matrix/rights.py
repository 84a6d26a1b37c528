"""Whether somebody may write in a room, by its state (client-server API, "m.room.power_levels").

matrix-nio adds new levels to the old ones, so it never sees that one was taken away, and it knows no
creators with more than any level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from transports.matrix.words import mapping

_CREATED, _ENCRYPTED, _LEVELS = "m.room.create", "m.room.encryption", "m.room.power_levels"
_CREATORS_HAVE_LEVELS = frozenset(str(version) for version in range(1, 12))
"""Room versions; in later ones creators stand above all levels."""


class Rights:
    """The state of one room as far as rights depend on it."""

    def __init__(self) -> None:
        self._state: dict[str, Mapping[str, Any]] = {}

    def follow(self, events: Iterable[Mapping[str, Any]]) -> bool:
        """Take in events of the room, oldest first; whether a right may have changed by them."""
        before = dict(self._state)
        for event in events:
            if event.get("type") in {_CREATED, _ENCRYPTED, _LEVELS} and event.get("state_key") == "":
                self._state[event["type"]] = event
        return self._state != before

    def may_write(self, user_id: str) -> bool:
        """Whether the room takes what this user says; where it has no levels it takes everybody's."""
        if user_id in self._creators():
            return True
        levels = self._content(_LEVELS)
        users, events = mapping(levels.get("users")), mapping(levels.get("events"))
        kind = "m.room.encrypted" if _ENCRYPTED in self._state else "m.room.message"
        own = _level(users.get(user_id, levels.get("users_default", 0)))
        return own >= _level(events.get(kind, levels.get("events_default", 0)))

    def _creators(self) -> list[Any]:
        """Who stands above all levels."""
        content = self._content(_CREATED)
        if content.get("room_version", "1") in _CREATORS_HAVE_LEVELS:
            return []
        more = content.get("additional_creators")
        return [self._state[_CREATED].get("sender"), *(more if isinstance(more, list) else [])]

    def _content(self, kind: str) -> Mapping[str, Any]:
        return mapping(self._state.get(kind, {}).get("content"))


def _level(value: object) -> int:
    """A number, which room versions before 10 take as a string too; anything else is none."""
    try:
        return int(value) if isinstance(value, int | str) else 0
    except ValueError:
        return 0
