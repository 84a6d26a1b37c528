"""Rooms, who speaks there, and the cards that they show."""

# ruff: noqa: D106 - what Meta is, is Tortoise's business

from __future__ import annotations

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.models import Model

from storage.rows.lists import MlistRow, mlist_key
from storage.rows.people import GroupRow, PersonRow
from storage.tracing import TracedManager, TracedModel


class RoomRow(Model):
    """A place that is known; cards are shown there while it is `open`.

    `sees_all`: every list's (a console). `private_of` is the actor who is alone with the bot there.
    `unreachable` is why the bot cannot write there.
    """

    id = fields.IntField(primary_key=True)
    transport = fields.CharField(max_length=20)
    address = fields.CharField(max_length=500)
    title = fields.TextField(default="")
    language = fields.CharField(max_length=20, default="")
    open = fields.BooleanField(default=True)
    sees_all = fields.BooleanField(default=False)
    private_of = fields.CharField(max_length=300, default="")
    unreachable: dict[str, Any] | None = fields.JSONField(null=True)

    class Meta:
        table = "room"
        unique_together = (("transport", "address"),)


class BindingRow(TracedModel):
    """A room of a list; without `mlist` it is the admins' room."""

    id = fields.IntField(primary_key=True)
    room: fields.ForeignKeyRelation[RoomRow] = fields.ForeignKeyField(
        "storage.RoomRow", related_name="bindings", on_delete=OnDelete.RESTRICT
    )
    mlist: fields.ForeignKeyNullableRelation[MlistRow] = fields.ForeignKeyField(
        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
    )

    room_id: int
    mlist_id: int | None

    traced = frozenset({"mlist_id"})

    class Meta:
        manager = TracedManager()
        table = "binding"
        unique_together = (("room_id", "mlist_id"),)
        indexes = (Index(fields=("mlist_id",), name="binding_mlist"),)


class AdminRow(TracedModel):
    """Who may do everything; `configured` = by the configuration, noted at each start."""

    id = fields.CharField(primary_key=True, max_length=300)
    configured = fields.BooleanField()

    traced = frozenset({"configured"})

    class Meta:
        manager = TracedManager()
        table = "admin"


class LinkRow(TracedModel):
    """The person whom a chat account is of."""

    actor_id = fields.CharField(primary_key=True, max_length=300)
    person: fields.ForeignKeyRelation[PersonRow] = fields.ForeignKeyField(
        "storage.PersonRow", related_name=False, on_delete=OnDelete.RESTRICT
    )

    person_id: int

    traced = frozenset({"person_id"})

    class Meta:
        manager = TracedManager()
        table = "link"
        indexes = (Index(fields=("person_id",), name="link_person"),)


class CardRow(Model):
    """What one room shows of one thing: `about` is the number of the post (or other `kind`).

    Revisions rise by one. `due_at` is when to show the one that is wanted, None = it is shown.
    `urgent` is the last revision that must be shown at once; later ones are mere progress, which
    waits until some seconds after `shown_at`.

    `wave_id` is the id of the card that shows this one as one line of many; nothing is posted for it
    then. A card of the kind ``wave`` or ``spam`` is about its own id; until `gathers_until` it takes in
    others, and it shows its `page` (from 0). One of ``bounces`` is about a list, and is posted anew then.
    """

    id = fields.IntField(primary_key=True)
    kind = fields.CharField(max_length=20)
    about = fields.IntField()
    room: fields.ForeignKeyRelation[RoomRow] = fields.ForeignKeyField(
        "storage.RoomRow", related_name=False, on_delete=OnDelete.RESTRICT
    )
    wanted = fields.IntField(default=1)
    shown = fields.IntField(default=0)
    urgent = fields.IntField(default=1)
    message_id = fields.TextField(default="")
    failures = fields.IntField(default=0)
    due_at: datetime | None = fields.DatetimeField(null=True)
    shown_at: datetime | None = fields.DatetimeField(null=True)
    abandoned = fields.BooleanField(default=False)
    wave_id: int | None = fields.IntField(null=True)
    page = fields.IntField(default=0)
    gathers_until: datetime | None = fields.DatetimeField(null=True)

    room_id: int

    class Meta:
        table = "card"
        unique_together = (("room_id", "kind", "about"),)
        indexes = (
            Index(fields=("room_id", "due_at"), name="card_due"),
            Index(fields=("kind", "about"), name="card_about"),
            Index(fields=("wave_id",), name="card_wave"),
        )


class ReminderRow(Model):
    """What of a list has waited too long, as rooms were told at `told_at`, by `kind` of card.

    It goes when nothing waits any more. `hours` = how often that was told; `before` is what counts as
    old since the last time.
    """

    id = fields.IntField(primary_key=True)
    kind = fields.CharField(max_length=20)
    mlist = mlist_key()
    told_at = fields.DatetimeField()
    before = fields.DatetimeField()
    hours = fields.IntField(default=1)
    count = fields.IntField()
    oldest_at = fields.DatetimeField()
    owners_told = fields.BooleanField(default=False)

    mlist_id: int

    class Meta:
        table = "reminder"
        unique_together = (("kind", "mlist_id"),)


class IncidentRow(Model):
    """Something that does not work, or did not; `key` names it, such as ``mailbox 3``.

    With `server` and `sha256` it is about a certificate that nobody has accepted; with `group` and
    `sha256` about a sheet that nobody has decided about.
    """

    id = fields.IntField(primary_key=True)
    key = fields.CharField(max_length=760, unique=True)
    what: dict[str, Any] = fields.JSONField()
    trouble: dict[str, Any] = fields.JSONField()
    opened_at = fields.DatetimeField()
    closed_at: datetime | None = fields.DatetimeField(null=True)
    revision = fields.IntField(default=1)
    server = fields.CharField(max_length=300, default="")
    sha256 = fields.CharField(max_length=64, default="")
    group: fields.ForeignKeyNullableRelation[GroupRow] = fields.ForeignKeyField(
        "storage.GroupRow", related_name=False, on_delete=OnDelete.RESTRICT, null=True
    )
    closed_by = fields.TextField(default="")

    group_id: int | None

    class Meta:
        table = "incident"
