"""What the engines raise, beside Tortoise's own errors, for `storage.atomic` to understand."""

from __future__ import annotations

from tortoise.exceptions import BaseORMException


class Overtaken(BaseORMException):
    """Another transaction was in the way, and this one was undone: the same again may succeed."""


class Unreachable(BaseORMException):
    """The server is away, refuses, or does not answer in time."""


class Unstorable(BaseORMException):
    """A value that no column of its type can hold."""
