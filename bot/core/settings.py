"""The settings of a mailing list: one definition gives parsing, help, storage and documentation."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
    ValidationInfo,
    field_validator,
)

from bot.core.text import LANGUAGE_NAMES, N_, Size, Text, verbatim
from bot.core.worded import Reads, Worded


class Box(Protocol):
    """Seals secrets for storage; passed as the ``box`` of pydantic's context."""

    def seal(self, secret: str) -> str: ...

    def unseal(self, token: str) -> str:
        """Raises ValueError when the token was sealed with another key."""
        ...


def _yes_or_no(value: object) -> object:
    words = {"yes": True, "oui": True, "true": True, "no": False, "non": False, "false": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _octets(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([0-9]{1,12}(?:[.,][0-9]{1,6})?)\s*([km]?)[bo]?", value.strip().lower())
    if not match:
        return value
    return int(float(match[1].replace(",", ".")) * {"": 1, "k": 1_000, "m": 1_000_000}[match[2]])


def _unseal(value: object, info: ValidationInfo) -> object:
    """Stored secrets are ``{"sealed": token}``; typed ones are plain text."""
    match value:
        case {"sealed": str(token)}:
            return (info.context or {})["box"].unseal(token)
        case _:
            return value


def _seal(value: SecretStr, info: SerializationInfo) -> Any:  # noqa: ANN401 - JSON
    if not value.get_secret_value():
        return ""
    if not info.context:
        raise ValueError("a secret is only ever stored sealed")
    return {"sealed": info.context["box"].seal(value.get_secret_value())}


def _afterwards(kept: str) -> Text:
    where, _, folder = kept.partition(":")
    said = {"delete": N_("are deleted there"), "keep": N_("stay there"), "move": N_("go to {folder}")}
    return Text(said[where], folder=folder)


# The sentence in each says what may be typed there: see `allowed`
YesNo = Annotated[bool, BeforeValidator(_yes_or_no), N_("yes or no")]
Octets = Annotated[
    int,
    BeforeValidator(_octets),
    Field(ge=0, le=10**12),
    N_("a size such as 500kB or 10MB, 0 for no limit"),
    Reads(lambda octets: Text("{size}", size=Size(octets)), N_("no limit")),
]
HostName = Annotated[
    str,
    Field(pattern=r"^[^\s/@:]*$|^\[?[0-9a-fA-F.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]?$"),  # or an IPv6 address
    N_("the name of a server, such as mail.example.org; its port has a setting of its own"),
]
Secret = Annotated[SecretStr, BeforeValidator(_unseal), PlainSerializer(_seal, when_used="json")]
Port = Annotated[int, Field(ge=0, le=65_535), N_("a port number"), Reads(nothing=N_("the usual one"))]
Count = Annotated[int, Field(ge=0, le=10_000_000), N_("a number, 0 or more")]


class Moderation(Worded):
    """Whose posts wait for a moderator."""

    ALL = "all", N_("all of them")
    NON_MEMBERS = "non_members", N_("those of non-members")
    OPEN = "open", N_("none")


class UnknownSenders(Worded):
    """What happens to posts of authors in nobody's address book."""

    MODERATE = "moderate", N_("wait for a moderator")
    DISCARD = "discard", N_("are discarded")


class ReplyTo(Worded):
    """Where an answer to a copy goes."""

    SENDER = "sender", N_("to the author")
    LIST = "list", N_("to the whole list")


class RewriteFrom(Worded):
    """For which authors From becomes the list's address."""

    FOREIGN = "foreign", N_("those of other domains")
    DMARC = "dmarc", N_("those whose domain demands it (DMARC)")
    ALWAYS = "always", N_("all of them")
    NEVER = "never", N_("none")


class MailProtocol(Worded):
    """How a mailbox is read."""

    IMAP = "imap", "IMAP"
    POP3 = "pop3", "POP3"


class Security(Worded):
    """How a connection is encrypted: from its first octet, after STARTTLS, or not."""

    SSL = "ssl", "SSL/TLS"
    STARTTLS = "starttls", "STARTTLS"
    NONE = "none", N_("none")


class FirstPoll(Worded):
    """What happens to mail that was in the mailbox before the list was added."""

    HOLD = "hold", N_("is shown to the moderators")
    LEAVE = "leave", N_("stays there, but for today's")


class RoomPolicy(Worded):
    """Who decides in a room that is bound to the list."""

    EVERYONE = "everyone", N_("everyone in the room")
    MODERATORS = "moderators", N_("moderators whose account is linked (/link)")


class ListSettings(BaseModel):
    """Every setting of a list, as ``/set`` names it, with its default, its title and a line of help."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    description: Annotated[str, Field(max_length=200), N_("one line of at most 200 characters")] = Field(
        "", title=N_("Description"), description=N_("What the list is for")
    )
    prefix: Annotated[
        str | None, Field(max_length=60), N_("one line of at most 60 characters"), Reads(nothing=N_("none"))
    ] = Field(
        None,
        title=N_("Prefix"),
        description=N_("Put before every subject; default [local part], empty for none"),
    )
    language: Annotated[
        Literal["", "en", "fr"],
        Reads(lambda code: verbatim(LANGUAGE_NAMES[code]), N_("that of the organisation")),
    ] = Field("", title=N_("Language of notices"), description=N_("Language of its notices"))

    moderation: Moderation = Field(
        Moderation.NON_MEMBERS,
        title=N_("Posts that wait for a moderator"),
        description=N_("Whose posts wait for a moderator"),
    )
    unknown_senders: UnknownSenders = Field(
        UnknownSenders.MODERATE,
        title=N_("Posts of strangers"),
        description=N_("What happens to posts of people nobody knows"),
    )
    reply_to: ReplyTo = Field(
        ReplyTo.SENDER, title=N_("Answers go"), description=N_("Where answers of members go")
    )
    rewrite_from: RewriteFrom = Field(
        RewriteFrom.FOREIGN,
        title=N_("Replaced authors"),
        description=N_("Whose From is replaced by the list's address"),
    )
    include_moderators: YesNo = Field(
        default=False, title=N_("Moderators among the members"), description=N_("Moderators are members too")
    )
    include_unmoderated: YesNo = Field(
        default=False,
        title=N_("Unmoderated people among the members"),
        description=N_("Unmoderated people are members too"),
    )
    copy_to_author: YesNo = Field(
        default=True, title=N_("Copy to the author"), description=N_("Authors get their own posts")
    )
    skip_addressed: YesNo = Field(
        default=True,
        title=N_("No copy for those in To or Cc"),
        description=N_("No copy for people already in To or Cc"),
    )
    max_size: Octets = Field(0, title=N_("Largest size"), description=N_("Larger posts wait for a moderator"))
    undo_s: Annotated[
        int,
        Field(ge=0, le=86_400),
        N_("a number of seconds, at most 86400"),
        Reads(lambda count: Text.counted("{count} second", "{count} seconds", count), N_("none")),
    ] = Field(30, title=N_("Time to undo"), description=N_("Seconds in which a decision can be taken back"))
    remind_h: Annotated[
        Count,
        Reads(lambda count: Text.counted("after {count} hour", "after {count} hours", count), N_("at once")),
    ] = Field(12, title=N_("Reminder"), description=N_("Hours after which held posts are reminded of"))
    expire_days: Annotated[
        Count,
        Reads(lambda count: Text.counted("after {count} day", "after {count} days", count), N_("never")),
    ] = Field(0, title=N_("Expiry"), description=N_("Days after which held posts expire, 0 for never"))
    room_policy: RoomPolicy = Field(
        RoomPolicy.EVERYONE, title=N_("Who decides"), description=N_("Who in a room decides")
    )

    notify_held: YesNo = Field(
        default=True, title=N_("Notice of waiting"), description=N_("Tell authors that their post waits")
    )
    notify_rejected: YesNo = Field(
        default=True,
        title=N_("Notice of rejection"),
        description=N_("Tell authors that their post was rejected"),
    )
    notify_distributed: YesNo = Field(
        default=True,
        title=N_("Notice of distribution"),
        description=N_("Tell authors that their post was distributed"),
    )
    notify_auto: YesNo = Field(
        default=False,
        title=N_("Notice without moderation"),
        description=N_("Tell authors also if nobody had to decide"),
    )
    notify_unknown: YesNo = Field(
        default=False,
        title=N_("Notices to strangers"),
        description=N_("Tell authors also if nobody knows them"),
    )
    notify_welcome: YesNo = Field(
        default=False, title=N_("Welcome"), description=N_("Tell new members how to write and leave")
    )

    host: HostName = Field("", title=N_("Mailbox server"), description=N_("Server of the mailbox"))
    port: Port = Field(0, title=N_("Mailbox port"), description=N_("Its port, 0 for the usual one"))
    protocol: MailProtocol = Field(
        MailProtocol.IMAP, title=N_("Mailbox protocol"), description=N_("How mail is fetched")
    )
    security: Security = Field(
        Security.SSL, title=N_("Mailbox encryption"), description=N_("How the connection is encrypted")
    )
    username: Annotated[str, Reads(nothing=N_("the address of the list"))] = Field(
        "", title=N_("Mailbox login"), description=N_("Login, empty for the list's address")
    )
    password: Secret = Field(
        SecretStr(""), title=N_("Mailbox password"), description=N_("Password of the mailbox")
    )
    self_signed: YesNo = Field(
        default=False,
        title=N_("Certificate trusted as it is"),
        description=N_("Trust the certificate seen first"),
    )
    auth_host: Annotated[HostName, Reads(nothing=N_("none"))] = Field(
        "",
        title=N_("Host that verifies authors"),
        description=N_("Host whose Authentication-Results are trusted"),
    )
    folder: Annotated[str, Field(pattern=r"[^\s,]"), N_("folders, separated by commas")] = Field(
        "INBOX", title=N_("Folders"), description=N_("Folders that are read")
    )
    after_intake: Annotated[
        str,
        Field(pattern=r"^(delete|keep|move:.+)$"),
        N_("delete, keep or move:FOLDER"),
        Reads(_afterwards),
    ] = Field(
        "delete",
        title=N_("Mails that were fetched"),
        description=N_("What happens to a mail on the server once it is stored here"),
    )
    first_poll: FirstPoll = Field(
        FirstPoll.HOLD,
        title=N_("Mail from before the list"),
        description=N_("What happens to mail that was there before the list"),
    )

    smtp_host: Annotated[HostName, Reads(nothing=N_("the common one"))] = Field(
        "", title=N_("Outgoing server"), description=N_("Outgoing server, empty for the common one")
    )
    smtp_port: Port = Field(0, title=N_("Outgoing port"), description=N_("Its port, 0 for the usual one"))
    smtp_security: Annotated[Security | Literal[""], Reads(nothing=N_("as usual"))] = Field(
        "", title=N_("Outgoing encryption"), description=N_("How it is encrypted")
    )
    smtp_username: str = Field("", title=N_("Outgoing login"), description=N_("Its login"))
    smtp_password: Secret = Field(
        SecretStr(""), title=N_("Outgoing password"), description=N_("Its password")
    )
    smtp_max_per_hour: Annotated[Count, Reads(nothing=N_("no limit"))] = Field(
        0, title=N_("Recipients an hour"), description=N_("Recipients an hour, 0 for no limit")
    )
    smtp_max_per_day: Annotated[Count, Reads(nothing=N_("no limit"))] = Field(
        0, title=N_("Recipients a day"), description=N_("Recipients a day, 0 for no limit")
    )

    @field_validator("*", mode="after")
    @classmethod
    def _one_line(cls, value: Any) -> Any:  # noqa: ANN401 - of whatever type the setting is
        """No setting holds a line end, which would end a header field or a command to a server."""
        if type(value) is not str:
            return value
        if not value.isprintable():
            raise ValueError("one line of text")
        return value.strip()


SECRETS = frozenset({"password", "smtp_password"})

ACCOUNT_KEYS = frozenset(
    name
    for name in ListSettings.model_fields
    if name.startswith("smtp_")
    or name in {"host", "port", "protocol", "security", "username", "password", "self_signed", "folder"}
)
"""Settings of the accounts: only admins may change them."""

READING_KEYS = frozenset(key for key in ACCOUNT_KEYS if not key.startswith("smtp_")) | {"after_intake"}
"""Settings on which it depends whether they can be read."""


def folders_of(settings: ListSettings) -> tuple[str, ...]:
    """The folders that are read, in the order given."""
    return tuple(name.strip() for name in settings.folder.split(",") if name.strip())
