"""What is noted for later: by the parts of facteur, and of every change."""

# ruff: noqa: D106 - what Meta is, is Tortoise's business

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class NoteRow(Model):
    """What a part has to know again after a restart; `value` is sealed."""

    id = fields.IntField(primary_key=True)
    owner = fields.CharField(max_length=20)
    name = fields.CharField(max_length=600)
    value = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "note"
        unique_together = (("owner", "name"),)


class AuditRow(Model):
    """A change: who, when, from where, before and after; `folded` is what is searched."""

    id = fields.IntField(primary_key=True)
    at = fields.DatetimeField()
    by_id = fields.TextField()
    by_name = fields.TextField()
    place = fields.TextField()
    what = fields.CharField(max_length=20)
    about = fields.TextField()
    before: dict[str, Any] = fields.JSONField()
    after: dict[str, Any] = fields.JSONField()
    folded = fields.TextField()

    class Meta:
        table = "audit"
        indexes = (Index(fields=("at",), name="audit_at"),)
