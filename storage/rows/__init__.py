"""The tables. Rows never leave storage: `storage.values` makes values of the core out of them.

States and kinds are plain text, because the migrations must outlive every enumeration. Nothing is
deleted by cascade: what belongs to a deleted row is deleted by name, or the deletion fails.
"""

from storage.rows.lists import ADDRESS_LENGTH, DefaultsRow, KnownMailRow, MlistRow, PinRow, TemplateRow
from storage.rows.notes import AuditRow, NoteRow
from storage.rows.people import (
    AddressRow,
    BanRow,
    BounceRow,
    GroupRoleRow,
    GroupRow,
    MembershipRow,
    PersonRow,
    RoleRow,
    UnnamedBounceRow,
    WelcomeRow,
)
from storage.rows.posts import AccountRow, AttemptRow, DeliveryRow, MailingRow, PostRow, RawRow
from storage.rows.rooms import AdminRow, BindingRow, CardRow, IncidentRow, LinkRow, ReminderRow, RoomRow

__all__ = [
    "ADDRESS_LENGTH",
    "AccountRow",
    "AddressRow",
    "AdminRow",
    "AttemptRow",
    "AuditRow",
    "BanRow",
    "BindingRow",
    "BounceRow",
    "CardRow",
    "DefaultsRow",
    "DeliveryRow",
    "GroupRoleRow",
    "GroupRow",
    "IncidentRow",
    "KnownMailRow",
    "LinkRow",
    "MailingRow",
    "MembershipRow",
    "MlistRow",
    "NoteRow",
    "PersonRow",
    "PinRow",
    "PostRow",
    "RawRow",
    "ReminderRow",
    "RoleRow",
    "RoomRow",
    "TemplateRow",
    "UnnamedBounceRow",
    "WelcomeRow",
]
