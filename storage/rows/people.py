"""The directory: people, groups, and what they are on lists."""

# ruff: noqa: D106 - what Meta is, is Tortoise's business

from __future__ import annotations

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.models import Model

from storage.rows.lists import ADDRESS_LENGTH, MlistRow, mlist_key
from storage.tracing import TracedManager, TracedModel, this_moment


class PersonRow(TracedModel):
    """Somebody in the directory."""

    id = fields.IntField(primary_key=True)
    name = fields.TextField()

    addresses: fields.ReverseRelation[AddressRow]

    traced = frozenset({"name"})

    class Meta:
        manager = TracedManager()
        table = "person"


class AddressRow(TracedModel):
    """An address, folded; it belongs to one person."""

    id = fields.IntField(primary_key=True)
    person: fields.ForeignKeyRelation[PersonRow] = fields.ForeignKeyField(
        "storage.PersonRow", related_name="addresses", on_delete=OnDelete.RESTRICT
    )
    address = fields.CharField(max_length=ADDRESS_LENGTH, unique=True)

    person_id: int

    traced = frozenset({"person_id"})

    class Meta:
        manager = TracedManager()
        table = "address"
        indexes = (Index(fields=("person_id",), name="address_person"),)


class RoleRow(TracedModel):
    """What a person is on a list."""

    id = fields.IntField(primary_key=True)
    mlist = mlist_key()
    person: fields.ForeignKeyRelation[PersonRow] = fields.ForeignKeyField(
        "storage.PersonRow", related_name="roles", on_delete=OnDelete.RESTRICT
    )
    role = fields.CharField(max_length=20)
    since = fields.DatetimeField(default=this_moment)

    mlist_id: int
    person_id: int

    traced = frozenset({"role"})

    class Meta:
        manager = TracedManager()
        table = "role"
        unique_together = (("mlist_id", "role", "person_id"),)
        indexes = (Index(fields=("person_id",), name="role_person"),)


class GroupRow(TracedModel):
    """A named set of people, its name in normal form, and the source that it follows (see `Following`).

    `source` is sealed, `shown` what people are shown of it; both empty = none.
    """

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=60, unique=True)
    source = fields.TextField(default="")
    shown = fields.TextField(default="")
    seen: dict[str, str] = fields.JSONField(default=dict)
    tried_at: datetime | None = fields.DatetimeField(null=True)
    trouble: dict[str, Any] | None = fields.JSONField(null=True)
    waiting: dict[str, str] = fields.JSONField(default=dict)

    traced = frozenset({"source"})

    class Meta:
        manager = TracedManager()
        table = "people_group"


class MembershipRow(TracedModel):
    """A person is in a group: put in by hand, or named by its source; by both in two rows."""

    id = fields.IntField(primary_key=True)
    group: fields.ForeignKeyRelation[GroupRow] = fields.ForeignKeyField(
        "storage.GroupRow", related_name=False, on_delete=OnDelete.RESTRICT
    )
    person: fields.ForeignKeyRelation[PersonRow] = fields.ForeignKeyField(
        "storage.PersonRow", related_name=False, on_delete=OnDelete.RESTRICT
    )
    by_source = fields.BooleanField()
    since = fields.DatetimeField(default=this_moment)

    group_id: int
    person_id: int

    traced = frozenset({"by_source"})

    class Meta:
        manager = TracedManager()
        table = "membership"
        unique_together = (("group_id", "person_id", "by_source"),)
        indexes = (Index(fields=("person_id",), name="membership_person"),)


class GroupRoleRow(TracedModel):
    """What everybody in a group is on a list."""

    id = fields.IntField(primary_key=True)
    mlist = mlist_key()
    group: fields.ForeignKeyRelation[GroupRow] = fields.ForeignKeyField(
        "storage.GroupRow", related_name=False, on_delete=OnDelete.RESTRICT
    )
    role = fields.CharField(max_length=20)
    since = fields.DatetimeField(default=this_moment)

    mlist_id: int
    group_id: int

    traced = frozenset({"role"})

    class Meta:
        manager = TracedManager()
        table = "group_role"
        unique_together = (("mlist_id", "role", "group_id"),)
        indexes = (Index(fields=("group_id",), name="group_role_group"),)


class WelcomeRow(Model):
    """A member whom a list knows; `greeted`: a welcome was stored for them."""

    id = fields.IntField(primary_key=True)
    mlist = mlist_key()
    person: fields.ForeignKeyRelation[PersonRow] = fields.ForeignKeyField(
        "storage.PersonRow", related_name=False, on_delete=OnDelete.RESTRICT
    )
    greeted = fields.BooleanField()

    mlist_id: int
    person_id: int

    class Meta:
        table = "welcome"
        unique_together = (("mlist_id", "person_id"),)
        indexes = (Index(fields=("person_id",), name="welcome_person"),)


class BanRow(TracedModel):
    """An author who is not heard, on one list or (without `mlist`) on all."""

    id = fields.IntField(primary_key=True)
    mlist: fields.ForeignKeyNullableRelation[MlistRow] = fields.ForeignKeyField(
        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
    )
    pattern = fields.TextField()
    by = fields.TextField()
    at = fields.DatetimeField()

    mlist_id: int | None

    traced = frozenset({"pattern"})

    class Meta:
        manager = TracedManager()
        table = "ban"


class BounceRow(Model):
    """An address that mail did not reach lately; `mlist` is whose mail that was the last time.

    `report` is the number of the post that told of it: it may be purged by now.
    """

    id = fields.IntField(primary_key=True)
    address = fields.CharField(max_length=ADDRESS_LENGTH, unique=True)
    mlist: fields.ForeignKeyNullableRelation[MlistRow] = fields.ForeignKeyField(
        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
    )
    points = fields.IntField()
    last_at = fields.DatetimeField()
    reason = fields.TextField(default="")
    suspended_at: datetime | None = fields.DatetimeField(null=True)
    report: int | None = fields.IntField(null=True)

    mlist_id: int | None

    class Meta:
        table = "bounce"


class UnnamedBounceRow(Model):
    """How many reports to a list named nobody whom it knows."""

    id = fields.IntField(primary_key=True)
    mlist = mlist_key()
    count = fields.IntField()
    last_at = fields.DatetimeField()

    mlist_id: int

    class Meta:
        table = "unnamed_bounce"
        unique_together = (("mlist_id",),)
