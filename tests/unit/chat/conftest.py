"""The fixtures of the chat's tests."""

from tests.support.office import desk, office, room

__all__ = ["desk", "office", "room"]
