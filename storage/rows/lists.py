"""Mailing lists, and what is known of their mailboxes."""

# ruff: noqa: D106 - what Meta is, is Tortoise's business

from __future__ import annotations

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.models import Model

from storage.tracing import TracedManager, TracedModel

ADDRESS_LENGTH = 320
"""Of columns with an index on an address (RFC 5321 section 4.5.3.1)."""


def mlist_key() -> fields.ForeignKeyRelation[MlistRow]:
    """The column of what belongs to a list."""
    return fields.ForeignKeyField("storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT)


class MlistRow(TracedModel):
    """A mailing list; `own` is its own settings as JSON, with secrets sealed."""

    id = fields.IntField(primary_key=True)
    address = fields.CharField(max_length=ADDRESS_LENGTH, unique=True)
    own: dict[str, Any] = fields.JSONField()
    version = fields.IntField(default=1)
    paused = fields.BooleanField(default=False)
    created_at = fields.DatetimeField()
    looked: dict[str, list[str]] = fields.JSONField(default=dict)  # see storage.oldmail
    poll_ok_at: datetime | None = fields.DatetimeField(null=True)
    poll_trouble: dict[str, Any] | None = fields.JSONField(null=True)
    smtp_ok_at: datetime | None = fields.DatetimeField(null=True)
    smtp_trouble: dict[str, Any] | None = fields.JSONField(null=True)

    traced = frozenset({"address", "own", "paused"})

    class Meta:
        manager = TracedManager()
        table = "mlist"


class DefaultsRow(TracedModel):
    """What ``/set all`` has set: one row, id 1."""

    id = fields.IntField(primary_key=True, generated=False)
    own: dict[str, Any] = fields.JSONField()

    traced = frozenset({"own"})

    class Meta:
        manager = TracedManager()
        table = "defaults"


class PinRow(TracedModel):
    """A server (host:port) that is trusted by its certificate, and the SHA-256 of that."""

    id = fields.IntField(primary_key=True)
    server = fields.CharField(max_length=300, unique=True)
    sha256 = fields.CharField(max_length=64)

    traced = frozenset({"sha256"})

    class Meta:
        manager = TracedManager()
        table = "pin"


class KnownMailRow(Model):
    """A mail in a mailbox that must not pass by itself: it was there before the list read the mailbox.

    With `raw_sha256` it is one whose post was purged, which must not come in again. `leave`: it stays
    where it is if the list wants that of old mail.
    """

    id = fields.IntField(primary_key=True)
    mlist = mlist_key()
    cursor = fields.CharField(max_length=500)
    raw_sha256 = fields.CharField(max_length=64, default="")
    leave = fields.BooleanField(default=False)

    mlist_id: int

    class Meta:
        table = "known_mail"
        indexes = (Index(fields=("mlist_id", "cursor"), name="known_mail_cursor"),)


class TemplateRow(Model):
    """The text of a notice in one language, of one list or (without `mlist`) of all."""

    id = fields.IntField(primary_key=True)
    mlist: fields.ForeignKeyNullableRelation[MlistRow] = fields.ForeignKeyField(
        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
    )
    kind = fields.CharField(max_length=40)
    language = fields.CharField(max_length=20)
    text = fields.TextField()

    mlist_id: int | None

    class Meta:
        table = "template"
