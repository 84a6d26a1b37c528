"""The first schema. Its counterpart is storage/rows; a test compares the two.

The class must be called Migration (the loader applies nothing else and still notes it as done), and
an index names columns, so a foreign key stands there as ``mlist_id``.
"""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="AccountRow",
            fields=[
                ("key", fields.CharField(max_length=700, primary_key=True)),
                ("max_octets", fields.BigIntField(default=0)),
                ("paused_until", fields.DatetimeField(null=True)),
                ("quota_reply", fields.TextField(default="")),
            ],
            options={"table": "account"},
        ),
        ops.CreateModel(
            name="AttemptRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("account", fields.CharField(max_length=700)),
                ("at", fields.DatetimeField()),
                ("recipients", fields.IntField()),
            ],
            options={
                "table": "attempt",
                "indexes": [Index(fields=["account", "at"], name="attempt_account")],
            },
        ),
        ops.CreateModel(
            name="DefaultsRow",
            fields=[
                ("id", fields.IntField(primary_key=True, generated=False)),
                ("own", fields.JSONField()),
            ],
            options={"table": "defaults"},
        ),
        ops.CreateModel(
            name="PinRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("server", fields.CharField(unique=True, max_length=300)),
                ("sha256", fields.CharField(max_length=64)),
            ],
            options={"table": "pin"},
        ),
        ops.CreateModel(
            name="MlistRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("address", fields.CharField(unique=True, max_length=320)),
                ("own", fields.JSONField()),
                ("version", fields.IntField(default=1)),
                ("paused", fields.BooleanField(default=False)),
                ("created_at", fields.DatetimeField()),
                ("looked", fields.JSONField(default=dict)),
                ("poll_ok_at", fields.DatetimeField(null=True)),
                ("poll_trouble", fields.JSONField(null=True)),
                ("smtp_ok_at", fields.DatetimeField(null=True)),
                ("smtp_trouble", fields.JSONField(null=True)),
            ],
            options={"table": "mlist"},
        ),
        ops.CreateModel(
            name="BanRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("pattern", fields.TextField()),
                ("by", fields.TextField()),
                ("at", fields.DatetimeField()),
            ],
            options={"table": "ban"},
        ),
        ops.CreateModel(
            name="NoteRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("owner", fields.CharField(max_length=20)),
                ("name", fields.CharField(max_length=600)),
                ("value", fields.TextField()),
                ("at", fields.DatetimeField()),
            ],
            options={"table": "note", "unique_together": (("owner", "name"),)},
        ),
        ops.CreateModel(
            name="BounceRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("address", fields.CharField(unique=True, max_length=320)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("points", fields.IntField()),
                ("last_at", fields.DatetimeField()),
                ("reason", fields.TextField(default="")),
                ("suspended_at", fields.DatetimeField(null=True)),
                ("report", fields.IntField(null=True)),
            ],
            options={"table": "bounce"},
        ),
        ops.CreateModel(
            name="TemplateRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("kind", fields.CharField(max_length=40)),
                ("language", fields.CharField(max_length=20)),
                ("text", fields.TextField()),
            ],
            options={"table": "template"},
        ),
        ops.CreateModel(
            name="UnnamedBounceRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("count", fields.IntField()),
                ("last_at", fields.DatetimeField()),
            ],
            options={"table": "unnamed_bounce", "unique_together": (("mlist_id",),)},
        ),
        ops.CreateModel(
            name="KnownMailRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("cursor", fields.CharField(max_length=500)),
                ("raw_sha256", fields.CharField(max_length=64, default="")),
                ("leave", fields.BooleanField(default=False)),
            ],
            options={
                "table": "known_mail",
                "indexes": [Index(fields=["mlist_id", "cursor"], name="known_mail_cursor")],
            },
        ),
        ops.CreateModel(
            name="PersonRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("name", fields.TextField()),
            ],
            options={"table": "person"},
        ),
        ops.CreateModel(
            name="AddressRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "storage.PersonRow", related_name="addresses", on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("address", fields.CharField(unique=True, max_length=320)),
            ],
            options={"table": "address", "indexes": [Index(fields=["person_id"], name="address_person")]},
        ),
        ops.CreateModel(
            name="PostRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("cursor", fields.CharField(max_length=500)),
                ("cursor_parts", fields.JSONField()),
                ("raw_sha256", fields.CharField(max_length=64)),
                ("old", fields.BooleanField()),
                ("state", fields.CharField(max_length=20)),
                ("received_at", fields.DatetimeField()),
                ("size_octets", fields.IntField()),
                ("author", fields.CharField(max_length=320)),
                ("authors", fields.JSONField()),
                ("subject", fields.TextField()),
                ("message_id", fields.TextField()),
                ("body_sha256", fields.CharField(max_length=64)),
                ("text", fields.TextField()),
                ("attachments", fields.JSONField()),
                ("unread", fields.JSONField()),
                ("folded", fields.TextField()),
                ("rule", fields.TextField(default="")),
                ("reason", fields.JSONField(null=True)),
                ("warning", fields.BooleanField(default=False)),
                ("authentication", fields.JSONField(default=dict)),
                ("decisions", fields.IntField(default=0)),
                ("decided_by_id", fields.TextField(default="")),
                ("decided_by_name", fields.TextField(default="")),
                ("decided_at", fields.DatetimeField(null=True)),
                ("decision_reason", fields.TextField(default="")),
                ("undo_until", fields.DatetimeField(null=True)),
                ("stopped_by", fields.TextField(default="")),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "post",
                "unique_together": (("mlist_id", "cursor", "raw_sha256"),),
                "indexes": [
                    Index(fields=["state", "mlist_id", "received_at"], name="post_state"),
                    Index(fields=["author", "mlist_id"], name="post_author"),
                    Index(fields=["mlist_id", "body_sha256"], name="post_body"),
                    Index(fields=["ended_at"], name="post_ended"),
                ],
            },
        ),
        ops.CreateModel(
            name="MailingRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                (
                    "post",
                    fields.ForeignKeyField(
                        "storage.PostRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("kind", fields.CharField(max_length=20)),
                ("decision", fields.IntField()),
                ("mail_from", fields.TextField()),
                ("header", fields.BinaryField()),
                ("body", fields.BinaryField(null=True)),
                ("forgotten", fields.JSONField(default=dict)),
                ("owners_told", fields.BooleanField(default=False)),
            ],
            options={
                "table": "mailing",
                "indexes": [
                    Index(fields=["post_id"], name="mailing_post"),
                    Index(fields=["mlist_id"], name="mailing_mlist"),
                ],
            },
        ),
        ops.CreateModel(
            name="DeliveryRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("mlist_id", fields.IntField()),
                (
                    "mailing",
                    fields.ForeignKeyField(
                        "storage.MailingRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("recipient", fields.CharField(max_length=320)),
                ("state", fields.CharField(max_length=20)),
                ("attempts", fields.IntField(default=0)),
                ("next_attempt_at", fields.DatetimeField(null=True)),
                ("first_attempt_at", fields.DatetimeField(null=True)),
                ("last_attempt_at", fields.DatetimeField(null=True)),
                ("under_way", fields.BooleanField(default=False)),
                ("last_reply", fields.TextField(default="")),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "delivery",
                "indexes": [
                    Index(fields=["state", "next_attempt_at"], name="delivery_due"),
                    Index(fields=["mailing_id", "state"], name="delivery_mailing"),
                    Index(fields=["mlist_id", "state"], name="delivery_mlist"),
                    Index(fields=["recipient"], name="delivery_recipient"),
                    Index(fields=["ended_at"], name="delivery_ended"),
                ],
            },
        ),
        ops.CreateModel(
            name="RawRow",
            fields=[
                (
                    "post",
                    fields.OneToOneField(
                        "storage.PostRow",
                        primary_key=True,
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("packed", fields.BinaryField()),
            ],
            options={"table": "raw"},
        ),
        ops.CreateModel(
            name="RoleRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "storage.PersonRow", related_name="roles", on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("role", fields.CharField(max_length=20)),
                ("since", fields.DatetimeField()),
            ],
            options={
                "table": "role",
                "unique_together": (("mlist_id", "role", "person_id"),),
                "indexes": [Index(fields=["person_id"], name="role_person")],
            },
        ),
        ops.CreateModel(
            name="WelcomeRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "storage.PersonRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("greeted", fields.BooleanField()),
            ],
            options={
                "table": "welcome",
                "unique_together": (("mlist_id", "person_id"),),
                "indexes": [Index(fields=["person_id"], name="welcome_person")],
            },
        ),
        ops.CreateModel(
            name="AuditRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("at", fields.DatetimeField()),
                ("by_id", fields.TextField()),
                ("by_name", fields.TextField()),
                ("place", fields.TextField()),
                ("what", fields.CharField(max_length=20)),
                ("about", fields.TextField()),
                ("before", fields.JSONField()),
                ("after", fields.JSONField()),
                ("folded", fields.TextField()),
            ],
            options={"table": "audit", "indexes": [Index(fields=["at"], name="audit_at")]},
        ),
        ops.CreateModel(
            name="GroupRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("name", fields.CharField(unique=True, max_length=60)),
                ("source", fields.TextField(default="")),
                ("shown", fields.TextField(default="")),
                ("seen", fields.JSONField(default=dict)),
                ("tried_at", fields.DatetimeField(null=True)),
                ("trouble", fields.JSONField(null=True)),
                ("waiting", fields.JSONField(default=dict)),
            ],
            options={"table": "people_group"},
        ),
        ops.CreateModel(
            name="MembershipRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "group",
                    fields.ForeignKeyField(
                        "storage.GroupRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "storage.PersonRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("by_source", fields.BooleanField()),
                ("since", fields.DatetimeField()),
            ],
            options={
                "table": "membership",
                "unique_together": (("group_id", "person_id", "by_source"),),
                "indexes": [Index(fields=["person_id"], name="membership_person")],
            },
        ),
        ops.CreateModel(
            name="GroupRoleRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                (
                    "group",
                    fields.ForeignKeyField(
                        "storage.GroupRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("role", fields.CharField(max_length=20)),
                ("since", fields.DatetimeField()),
            ],
            options={
                "table": "group_role",
                "unique_together": (("mlist_id", "role", "group_id"),),
                "indexes": [Index(fields=["group_id"], name="group_role_group")],
            },
        ),
        ops.CreateModel(
            name="RoomRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("transport", fields.CharField(max_length=20)),
                ("address", fields.CharField(max_length=500)),
                ("title", fields.TextField(default="")),
                ("language", fields.CharField(max_length=20, default="")),
                ("open", fields.BooleanField(default=True)),
                ("sees_all", fields.BooleanField(default=False)),
                ("private_of", fields.CharField(max_length=300, default="")),
                ("unreachable", fields.JSONField(null=True)),
            ],
            options={"table": "room", "unique_together": (("transport", "address"),)},
        ),
        ops.CreateModel(
            name="BindingRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                (
                    "room",
                    fields.ForeignKeyField(
                        "storage.RoomRow", related_name="bindings", on_delete=OnDelete.RESTRICT
                    ),
                ),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", null=True, related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
            ],
            options={
                "table": "binding",
                "unique_together": (("room_id", "mlist_id"),),
                "indexes": [Index(fields=["mlist_id"], name="binding_mlist")],
            },
        ),
        ops.CreateModel(
            name="AdminRow",
            fields=[
                ("id", fields.CharField(primary_key=True, max_length=300)),
                ("configured", fields.BooleanField()),
            ],
            options={"table": "admin"},
        ),
        ops.CreateModel(
            name="LinkRow",
            fields=[
                ("actor_id", fields.CharField(primary_key=True, max_length=300)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "storage.PersonRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
            ],
            options={
                "table": "link",
                "indexes": [Index(fields=["person_id"], name="link_person")],
            },
        ),
        ops.CreateModel(
            name="IncidentRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("key", fields.CharField(max_length=760, unique=True)),
                ("what", fields.JSONField()),
                ("trouble", fields.JSONField()),
                ("opened_at", fields.DatetimeField()),
                ("closed_at", fields.DatetimeField(null=True)),
                ("revision", fields.IntField(default=1)),
                ("server", fields.CharField(max_length=300, default="")),
                ("sha256", fields.CharField(max_length=64, default="")),
                (
                    "group",
                    fields.ForeignKeyField(
                        "storage.GroupRow", related_name=False, on_delete=OnDelete.RESTRICT, null=True
                    ),
                ),
                ("closed_by", fields.TextField(default="")),
            ],
            options={"table": "incident"},
        ),
        ops.CreateModel(
            name="ReminderRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("kind", fields.CharField(max_length=20)),
                (
                    "mlist",
                    fields.ForeignKeyField(
                        "storage.MlistRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("told_at", fields.DatetimeField()),
                ("before", fields.DatetimeField()),
                ("hours", fields.IntField(default=1)),
                ("count", fields.IntField()),
                ("oldest_at", fields.DatetimeField()),
                ("owners_told", fields.BooleanField(default=False)),
            ],
            options={"table": "reminder", "unique_together": (("kind", "mlist_id"),)},
        ),
        ops.CreateModel(
            name="CardRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("kind", fields.CharField(max_length=20)),
                ("about", fields.IntField()),
                (
                    "room",
                    fields.ForeignKeyField(
                        "storage.RoomRow", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("wanted", fields.IntField(default=1)),
                ("shown", fields.IntField(default=0)),
                ("urgent", fields.IntField(default=1)),
                ("message_id", fields.TextField(default="")),
                ("failures", fields.IntField(default=0)),
                ("due_at", fields.DatetimeField(null=True)),
                ("shown_at", fields.DatetimeField(null=True)),
                ("abandoned", fields.BooleanField(default=False)),
                ("wave_id", fields.IntField(null=True)),
                ("page", fields.IntField(default=0)),
                ("gathers_until", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "card",
                "unique_together": (("room_id", "kind", "about"),),
                "indexes": [
                    Index(fields=["room_id", "due_at"], name="card_due"),
                    Index(fields=["kind", "about"], name="card_about"),
                    Index(fields=["wave_id"], name="card_wave"),
                ],
            },
        ),
    ]
