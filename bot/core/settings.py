"""The settings of a mailing list: one definition gives parsing, help, storage and documentation."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bot.core.errors import Meant, UserError
from bot.core.text import N_, Text


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


# The sentence in each says what may be typed there: see `allowed`
YesNo = Annotated[bool, BeforeValidator(_yes_or_no), N_("yes or no")]
Octets = Annotated[
    int, BeforeValidator(_octets), Field(ge=0, le=10**12), N_("a size such as 500kB or 10MB, 0 for no limit")
]
HostName = Annotated[
    str,
    Field(pattern=r"^[^\s/@:]*$|^\[?[0-9a-fA-F.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]?$"),  # or an IPv6 address
    N_("the name of a server, such as mail.example.org; its port has a setting of its own"),
]
Secret = Annotated[SecretStr, BeforeValidator(_unseal), PlainSerializer(_seal, when_used="json")]
Port = Annotated[int, Field(ge=0, le=65_535), N_("a port number")]
Count = Annotated[int, Field(ge=0, le=10_000_000), N_("a number, 0 or more")]


class Moderation(StrEnum):
    """Whose posts wait for a moderator."""

    ALL = "all"
    NON_MEMBERS = "non_members"
    OPEN = "open"


class UnknownSenders(StrEnum):
    """What happens to posts of authors in nobody's address book."""

    MODERATE = "moderate"
    DISCARD = "discard"


class ReplyTo(StrEnum):
    """Where an answer to a copy goes."""

    SENDER = "sender"
    LIST = "list"


class RewriteFrom(StrEnum):
    """For which authors From becomes the list's address."""

    FOREIGN = "foreign"
    DMARC = "dmarc"
    ALWAYS = "always"
    NEVER = "never"


class MailProtocol(StrEnum):
    """How a mailbox is read."""

    IMAP = "imap"
    POP3 = "pop3"


class Security(StrEnum):
    """How a connection is encrypted: from its first octet, after STARTTLS, or not."""

    SSL = "ssl"
    STARTTLS = "starttls"
    NONE = "none"


class FirstPoll(StrEnum):
    """What happens to mail that was in the mailbox before the list was added."""

    HOLD = "hold"
    LEAVE = "leave"


class RoomPolicy(StrEnum):
    """Who decides in a room that is bound to the list."""

    EVERYONE = "everyone"
    MODERATORS = "moderators"


class ListSettings(BaseModel):
    """Every setting of a list, as ``/set`` names it, with its default and a line of help."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    description: Annotated[str, Field(max_length=200), N_("one line of at most 200 characters")] = Field(
        "", description=N_("What the list is for")
    )
    prefix: Annotated[str | None, Field(max_length=60), N_("one line of at most 60 characters")] = Field(
        None, description=N_("Put before every subject; default [local part], empty for none")
    )
    language: Literal["", "en", "fr"] = Field("", description=N_("Language of its notices"))

    moderation: Moderation = Field(Moderation.NON_MEMBERS, description=N_("Whose posts wait for a moderator"))
    unknown_senders: UnknownSenders = Field(
        UnknownSenders.MODERATE, description=N_("What happens to posts of people nobody knows")
    )
    reply_to: ReplyTo = Field(ReplyTo.SENDER, description=N_("Where answers of members go"))
    rewrite_from: RewriteFrom = Field(
        RewriteFrom.FOREIGN, description=N_("Whose From is replaced by the list's address")
    )
    include_moderators: YesNo = Field(default=False, description=N_("Moderators are members too"))
    include_unmoderated: YesNo = Field(default=False, description=N_("Unmoderated people are members too"))
    copy_to_author: YesNo = Field(default=True, description=N_("Authors get their own posts"))
    skip_addressed: YesNo = Field(default=True, description=N_("No copy for people already in To or Cc"))
    max_size: Octets = Field(0, description=N_("Larger posts wait for a moderator"))
    undo_s: Annotated[int, Field(ge=0, le=86_400), N_("a number of seconds, at most 86400")] = Field(
        30, description=N_("Seconds in which a decision can be taken back")
    )
    remind_h: Count = Field(12, description=N_("Hours after which held posts are reminded of"))
    expire_days: Count = Field(0, description=N_("Days after which held posts expire, 0 for never"))
    room_policy: RoomPolicy = Field(RoomPolicy.EVERYONE, description=N_("Who in a room decides"))

    notify_held: YesNo = Field(default=True, description=N_("Tell authors that their post waits"))
    notify_rejected: YesNo = Field(default=True, description=N_("Tell authors that their post was rejected"))
    notify_distributed: YesNo = Field(
        default=True, description=N_("Tell authors that their post was distributed")
    )
    notify_auto: YesNo = Field(default=False, description=N_("Tell authors also if nobody had to decide"))
    notify_unknown: YesNo = Field(default=False, description=N_("Tell authors also if nobody knows them"))
    notify_welcome: YesNo = Field(default=False, description=N_("Tell new members how to write and leave"))

    host: HostName = Field("", description=N_("Server of the mailbox"))
    port: Port = Field(0, description=N_("Its port, 0 for the usual one"))
    protocol: MailProtocol = Field(MailProtocol.IMAP, description=N_("How mail is fetched"))
    security: Security = Field(Security.SSL, description=N_("How the connection is encrypted"))
    username: str = Field("", description=N_("Login, empty for the list's address"))
    password: Secret = Field(SecretStr(""), description=N_("Password of the mailbox"))
    self_signed: YesNo = Field(default=False, description=N_("Trust the certificate seen first"))
    auth_host: HostName = Field("", description=N_("Host whose Authentication-Results are trusted"))
    folder: Annotated[str, Field(pattern=r"[^\s,]"), N_("folders, separated by commas")] = Field(
        "INBOX", description=N_("Folders that are read")
    )
    after_intake: Annotated[
        str, Field(pattern=r"^(delete|keep|move:.+)$"), N_("delete, keep or move:FOLDER")
    ] = Field("delete", description=N_("What happens to a mail on the server once it is stored here"))
    first_poll: FirstPoll = Field(
        FirstPoll.HOLD, description=N_("What happens to mail that was there before the list")
    )

    smtp_host: HostName = Field("", description=N_("Outgoing server, empty for the common one"))
    smtp_port: Port = Field(0, description=N_("Its port, 0 for the usual one"))
    smtp_security: Security | Literal[""] = Field("", description=N_("How it is encrypted"))
    smtp_username: str = Field("", description=N_("Its login"))
    smtp_password: Secret = Field(SecretStr(""), description=N_("Its password"))
    smtp_max_per_hour: Count = Field(0, description=N_("Recipients an hour, 0 for no limit"))
    smtp_max_per_day: Count = Field(0, description=N_("Recipients a day, 0 for no limit"))

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

_FORGETS = {
    "password": frozenset({"host", "port", "security", "self_signed"}),
    "smtp_password": frozenset({"smtp_host", "smtp_port", "smtp_security", "self_signed"}),
}


_NEAR = 0.8
"""How alike what was typed and a value must be to be taken for a slip (0 to 1, by difflib)."""

DEFAULT = "default"
"""Typed in the place of a value: the list has none of its own any more."""


def changed(own: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """The settings that a list has of its own, after ``/set`` with `words`; `DEFAULT` takes one away.

    Changing where a password would be sent forgets it, unless it is given again: nobody can have a
    stored password sent to a host of their own.

    Raises:
        UserError: names every word that is wrong, what is allowed there, and changes nothing.
    """
    ended = {key for key in words.keys() & ListSettings.model_fields if words[key] == DEFAULT} - SECRETS
    left = {key: value for key, value in {**own, **words}.items() if key not in ended}
    after = validated(left).model_dump(exclude_unset=True)
    moved = {key for key in words if (key in own, own.get(key)) != (key in after, after.get(key))}
    return {**without_secrets(after, moved), **{key: after[key] for key in SECRETS & words.keys()}}


def whole(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> ListSettings:
    """A list's settings: its own, with the defaults behind them.

    A password among the defaults is for the places among them: a list with a place of its own
    that differs does not get it, because nobody can have it sent to a host of their own.
    """
    usual = ListSettings()
    moved = {key for key, value in own.items() if value != defaults.get(key, getattr(usual, key))}
    return ListSettings.model_validate({**without_secrets(defaults, moved), **own})


def without_secrets(own: Mapping[str, Any], moved: Collection[str]) -> dict[str, Any]:
    """`own` without the passwords whose place is among the settings that have `moved`."""
    gone = {secret for secret, places in _FORGETS.items() if places & set(moved)}
    return {key: value for key, value in own.items() if key not in gone}


def validated(values: dict[str, Any]) -> ListSettings:
    """Settings from typed or stored values. Raises UserError with one sentence per mistake."""
    wrong: list[str] = []
    try:
        settings = ListSettings.model_validate(values)
    except ValidationError as error:
        wrong = list(dict.fromkeys(str(item["loc"][0]) for item in error.errors(include_input=False)))
        settings = ListSettings.model_validate({k: v for k, v in values.items() if k not in wrong})
    mistakes = [_mistake(key, values[key]) for key in wrong]
    if settings.protocol is MailProtocol.POP3:
        mistakes += pop3_contradictions(folders_of(settings), settings.after_intake)
    if not mistakes:
        return settings
    said = Text("{mistakes}", mistakes=mistakes)
    if len(mistakes) == 1 and wrong and (near := _nearly(wrong[0], values[wrong[0]])):
        raise Meant(said, *near)
    raise UserError(said)


def near_key(key: str) -> str:
    """The setting that is most nearly called so; empty if none is."""
    return next(iter(difflib.get_close_matches(key, ListSettings.model_fields, n=1)), "")


def _nearly(key: str, value: object) -> tuple[str, str] | None:
    """What was typed for a key or its value, and what was meant; None where nothing is like it."""
    if key not in ListSettings.model_fields:
        return (key, near_key(key)) if near_key(key) else None
    near = difflib.get_close_matches(str(value).lower(), choices_of(key), n=1, cutoff=_NEAR)
    return (str(value), near[0]) if near else None


def folders_of(settings: ListSettings) -> tuple[str, ...]:
    """The folders that are read, in the order given."""
    return tuple(name.strip() for name in settings.folder.split(",") if name.strip())


def pop3_contradictions(folders: Sequence[str], after_intake: str) -> list[Text]:
    """What was asked of a POP3 mailbox and cannot be: it has one folder, and nowhere to move mail to."""
    found = []
    if [name.upper() for name in folders] != ["INBOX"]:
        found.append(
            Text("with protocol=pop3 only the inbox can be read: give folder=INBOX, or protocol=imap")
        )
    if after_intake.startswith("move:"):
        found.append(
            Text(
                "with protocol=pop3 mails cannot be moved: give after_intake=delete or keep, or protocol=imap"
            )
        )
    return found


def allowed(key: str) -> str:
    """What may stand behind ``key=``, as an English template for the reader's language."""
    field = ListSettings.model_fields[key]
    hint = next((item for item in field.metadata if isinstance(item, str)), "")
    if hint:
        return hint
    return " / ".join(choices_of(key)) or N_("text")


def choices_of(key: str) -> tuple[str, ...]:
    """The values that a setting may have, where these are few; else none, and a value is typed."""
    field = ListSettings.model_fields[key]
    if field.annotation is bool:
        return ("yes", "no")
    return tuple(_choices(field.annotation))


def shown(settings: ListSettings, key: str) -> str:
    """A value as it would be typed; secrets only as ``****`` or empty."""
    return _shown(getattr(settings, key))


def _shown(value: object) -> str:
    match value:
        case SecretStr():
            return "****" if value.get_secret_value() else ""
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
        case _:
            return str(value)


def _choices(annotation: Any) -> list[str]:  # noqa: ANN401 - a type expression
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [
        choice
        for part in getattr(annotation, "__args__", ())
        for choice in ([part] if isinstance(part, str) else _choices(part))
        if choice
    ]


def no_setting(key: str) -> Text:
    """That there is none of this name, and which are nearly called so."""
    near = difflib.get_close_matches(key, ListSettings.model_fields, n=3)
    if near:
        return Text("there is no setting {key}: did you mean {near}?", key=key, near=" / ".join(near))
    return Text("there is no setting {key}", key=key)


def _mistake(key: str, value: object) -> Text:
    if key not in ListSettings.model_fields:
        return no_setting(key)
    if near := _nearly(key, value):
        return Text(
            "{key} must be: {allowed}. Did you mean {near}?",
            key=key,
            allowed=Text(allowed(key)),
            near=near[1],
        )
    return Text("{key} must be: {allowed}", key=key, allowed=Text(allowed(key)))
