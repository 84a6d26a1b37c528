"""The tables. Rows never leave storage: `storage.values` makes values of the core out of them.

States and kinds are plain text, because the migrations must outlive every enumeration. Nothing is
deleted by cascade: what belongs to a deleted row is deleted by name, or the deletion fails.
"""

# ruff: noqa: D106 - what Meta is, is Tortoise's business

from __future__ import annotations

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.models import Model

from storage.tracing import TracedManager, TracedModel, this_moment

ADDRESS_LENGTH = 320
"""Of columns with an index on an address (RFC 5321 section 4.5.3.1)."""


def _mlist() -> fields.ForeignKeyRelation[MlistRow]:
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


class KnownMailRow(Model):
    """A mail in a mailbox that must not pass by itself: it was there before the list read the mailbox.

    With `raw_sha256` it is one whose post was purged, which must not come in again. `leave`: it stays
    where it is if the list wants that of old mail.
    """

    id = fields.IntField(primary_key=True)
    mlist = _mlist()
    cursor = fields.CharField(max_length=500)
    raw_sha256 = fields.CharField(max_length=64, default="")
    leave = fields.BooleanField(default=False)

    mlist_id: int

    class Meta:
        table = "known_mail"
        indexes = (Index(fields=("mlist_id", "cursor"), name="known_mail_cursor"),)


class PinRow(TracedModel):
    """A server (host:port) that is trusted by its certificate, and the SHA-256 of that."""

    id = fields.IntField(primary_key=True)
    server = fields.CharField(max_length=300, unique=True)
    sha256 = fields.CharField(max_length=64)

    traced = frozenset({"sha256"})

    class Meta:
        manager = TracedManager()
        table = "pin"


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
    mlist = _mlist()
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
    mlist = _mlist()
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


class WelcomeRow(Model):
    """A member whom a list knows; `greeted`: a welcome was stored for them."""

    id = fields.IntField(primary_key=True)
    mlist = _mlist()
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


class UnnamedBounceRow(Model):
    """How many reports to a list named nobody whom it knows."""

    id = fields.IntField(primary_key=True)
    mlist = _mlist()
    count = fields.IntField()
    last_at = fields.DatetimeField()

    mlist_id: int

    class Meta:
        table = "unnamed_bounce"
        unique_together = (("mlist_id",),)


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


class PostRow(TracedModel):
    """A post. `author` is its first author's address for the history, cut to what an index takes;
    `folded` is what is searched; `ended_at` is set while its state is an end.
    """

    id = fields.IntField(primary_key=True)
    mlist = _mlist()
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


class ReminderRow(Model):
    """What of a list has waited too long, as rooms were told at `told_at`, by `kind` of card.

    It goes when nothing waits any more. `hours` = how often that was told; `before` is what counts as
    old since the last time.
    """

    id = fields.IntField(primary_key=True)
    kind = fields.CharField(max_length=20)
    mlist = _mlist()
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
