"""Posts, and the mails that leave because of them."""

# ruff: noqa: D106 - what Meta is, is Tortoise's business

from __future__ import annotations

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.models import Model

from storage.rows.lists import ADDRESS_LENGTH, MlistRow, mlist_key
from storage.tracing import TracedManager, TracedModel


class PostRow(TracedModel):
    """A post. `author` is its first author's address for the history, cut to what an index takes;
    `folded` is what is searched; `ended_at` is set while its state is an end.
    """

    id = fields.IntField(primary_key=True)
    mlist = mlist_key()
    cursor = fields.CharField(max_length=500)
    cursor_parts: list[str] = fields.JSONField()
    raw_sha256 = fields.CharField(max_length=64)
    old = fields.BooleanField()
    state = fields.CharField(max_length=20)
    received_at = fields.DatetimeField()
    size_octets = fields.IntField()
    author = fields.CharField(max_length=ADDRESS_LENGTH)
    authors: list[list[str]] = fields.JSONField()
    subject = fields.TextField()
    message_id = fields.TextField()
    body_sha256 = fields.CharField(max_length=64)
    text = fields.TextField()
    attachments: list[list[Any]] = fields.JSONField()
    unread: list[str] = fields.JSONField()
    folded = fields.TextField()
    rule = fields.TextField(default="")
    reason: dict[str, Any] | None = fields.JSONField(null=True)
    warning = fields.BooleanField(default=False)
    authentication: dict[str, Any] = fields.JSONField(default=dict)
    decisions = fields.IntField(default=0)
    decided_by_id = fields.TextField(default="")
    decided_by_name = fields.TextField(default="")
    decided_at: datetime | None = fields.DatetimeField(null=True)
    decision_reason = fields.TextField(default="")
    undo_until: datetime | None = fields.DatetimeField(null=True)
    stopped_by = fields.TextField(default="")
    ended_at: datetime | None = fields.DatetimeField(null=True)

    mlist_id: int

    traced = frozenset({"state"})
    ends_traced = False

    class Meta:
        manager = TracedManager()
        table = "post"
        unique_together = (("mlist_id", "cursor", "raw_sha256"),)
        indexes = (
            Index(fields=("state", "mlist_id", "received_at"), name="post_state"),
            Index(fields=("author", "mlist_id"), name="post_author"),
            Index(fields=("mlist_id", "body_sha256"), name="post_body"),
            Index(fields=("ended_at",), name="post_ended"),
        )


class RawRow(Model):
    """A post's mail as it came, compressed by zlib."""

    post: fields.OneToOneRelation[PostRow] = fields.OneToOneField(
        "storage.PostRow", primary_key=True, related_name=False, on_delete=OnDelete.RESTRICT
    )
    packed = fields.BinaryField()

    post_id: int

    class Meta:
        table = "raw"


class MailingRow(Model):
    """A mail that leaves; `decision` is the post's count of decisions that it follows from.

    Without `post` it is about none; without `mlist` it is of no list (a code to link an account).

    `forgotten` counts the deliveries that ended so long ago that nobody asks for them: see
    `storage.logbook`. `owners_told`: that it cannot leave as it is.
    """

    id = fields.IntField(primary_key=True)
    mlist: fields.ForeignKeyNullableRelation[MlistRow] = fields.ForeignKeyField(
        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
    )
    post: fields.ForeignKeyNullableRelation[PostRow] = fields.ForeignKeyField(
        "storage.PostRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
    )
    kind = fields.CharField(max_length=20)
    decision = fields.IntField()
    mail_from = fields.TextField()
    header = fields.BinaryField()
    body: bytes | None = fields.BinaryField(null=True)
    forgotten: dict[str, Any] = fields.JSONField(default=dict)
    owners_told = fields.BooleanField(default=False)

    mlist_id: int | None
    post_id: int | None

    class Meta:
        table = "mailing"
        indexes = (
            Index(fields=("post_id",), name="mailing_post"),
            Index(fields=("mlist_id",), name="mailing_mlist"),
        )


class DeliveryRow(Model):
    """One sending to one recipient; `last_attempt_at` is set by the claim, before the network.

    `mlist_id` is the mailing's, or `NO_LIST`: what is due is found by it.
    `under_way` from a claim to its outcome, or until the next claim where a crash lost the outcome.
    """

    id = fields.IntField(primary_key=True)
    mlist_id = fields.IntField()
    mailing: fields.ForeignKeyRelation[MailingRow] = fields.ForeignKeyField(
        "storage.MailingRow", related_name=False, on_delete=OnDelete.RESTRICT
    )
    recipient = fields.CharField(max_length=ADDRESS_LENGTH)
    state = fields.CharField(max_length=20)
    attempts = fields.IntField(default=0)
    next_attempt_at: datetime | None = fields.DatetimeField(null=True)
    first_attempt_at: datetime | None = fields.DatetimeField(null=True)
    last_attempt_at: datetime | None = fields.DatetimeField(null=True)
    under_way = fields.BooleanField(default=False)
    last_reply = fields.TextField(default="")
    ended_at: datetime | None = fields.DatetimeField(null=True)

    mailing_id: int

    class Meta:
        table = "delivery"
        indexes = (
            Index(fields=("state", "next_attempt_at"), name="delivery_due"),
            Index(fields=("mailing_id", "state"), name="delivery_mailing"),
            Index(fields=("mlist_id", "state"), name="delivery_mlist"),
            Index(fields=("recipient",), name="delivery_recipient"),
            Index(fields=("ended_at",), name="delivery_ended"),
        )


class AttemptRow(Model):
    """How many recipients one claim took, for the account's sliding windows."""

    id = fields.IntField(primary_key=True)
    account = fields.CharField(max_length=700)
    at = fields.DatetimeField()
    recipients = fields.IntField()

    class Meta:
        table = "attempt"
        indexes = (Index(fields=("account", "at"), name="attempt_account"),)


class AccountRow(Model):
    """What a relay told of an outgoing account: see `bot.core.lists.AccountState`."""

    key = fields.CharField(max_length=700, primary_key=True)
    max_octets = fields.BigIntField(default=0)
    paused_until: datetime | None = fields.DatetimeField(null=True)
    quota_reply = fields.TextField(default="")

    class Meta:
        table = "account"
