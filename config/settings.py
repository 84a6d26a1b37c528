"""Every key of ``facteur.toml``, with its default; ``docs/configuration.md`` explains them."""

from __future__ import annotations

import re
from datetime import time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override


def N_(template: str) -> str:  # noqa: N802 - gettext's name for "mark, do not translate"
    """Mark a template: whoever shows a mistake translates it."""
    return template


def wrong(template: str, **values: str) -> PydanticCustomError:
    """A mistake in our own words; the template goes with it, to be translated."""
    return PydanticCustomError("own", template, {**values, "template": template})


def _words(value: object) -> object:
    """A list may come from the environment as words with commas between."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _first_line(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise wrong(N_("the file {path} cannot be read ({why})"), path=path, why=why or "") from None


def _readable(path: str) -> str:
    if path:
        _first_line(path)
    return path


SecretFile = Annotated[str, AfterValidator(_readable)]
Words = Annotated[list[str], NoDecode, BeforeValidator(_words)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A section of the file: unknown keys are mistakes, and no error repeats a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        """``password_file = "path"`` gives ``password``: the first line of that file."""
        if not isinstance(values, dict):
            return values
        read = dict(values)
        for name in cls.model_fields:
            path = read.get(f"{name}_file")
            if f"{name}_file" in cls.model_fields and isinstance(path, str) and path:
                try:
                    read[name] = _first_line(path)
                except PydanticCustomError:
                    pass  # the path's own validation tells it, beside the section's other mistakes
        return read


class Poll(Section):
    """How often mailboxes are looked at."""

    interval_s: Annotated[int, Field(ge=1)] = 300
    idle: bool = True


class Smtp(Section):
    """The outgoing account of lists that have none of their own."""

    host: str = ""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    security: Literal["ssl", "starttls", "none"] = "ssl"
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
    max_per_hour: Count = 0
    max_per_day: Count = 0
    max_recipients: Annotated[int, Field(ge=1, le=100)] = 50
    connections: Annotated[int, Field(ge=1, le=20)] = 2
    pipelining: bool = True
    from_: Annotated[str, Field(alias="from")] = ""
    redirect_to: str = ""

    @property
    def sender(self) -> str:
        """Whose mail of no list is: `from`, else a username that is an address; empty if neither."""
        return self.from_ or (self.username if "@" in self.username else "")

    @field_validator("redirect_to", "from_")
    @classmethod
    def _one_address(cls, value: str) -> str:
        """A slip here would send the mails of a test to everybody."""
        if value and not re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", value):
            raise wrong(N_("must be empty or one address"))
        return value


class Telegram(Section):
    """The bot's account on Telegram."""

    token: SecretStr = SecretStr("")
    token_file: SecretFile = ""
    base_url: str = ""

    @field_validator("base_url")
    @classmethod
    def _only_a_server(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/")):
            raise wrong(N_('must be empty or a server such as "http://127.0.0.1:8081"'))
        return value

    @model_validator(mode="after")
    def _has_a_token(self) -> Telegram:
        if not self.token.get_secret_value():
            raise wrong(
                N_("token_file is missing: @BotFather gives the bot's token, which goes into that file")
            )
        return self


class Matrix(Section):
    """The bot's account on Matrix."""

    homeserver: str
    user_id: str
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
    access_token: SecretStr = SecretStr("")
    access_token_file: SecretFile = ""
    trust: Literal["room", "verified"] = "room"

    @field_validator("homeserver")
    @classmethod
    def _url(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/]+/?", value):
            raise wrong(N_('must be a URL such as "https://matrix.example.org"'))
        return value

    @field_validator("user_id")
    @classmethod
    def _full_id(cls, value: str) -> str:
        if not re.fullmatch(r"@[^\s:@]+:[^\s]+", value):
            raise wrong(N_('must be a full id such as "@facteur:example.org"'))
        return value

    @model_validator(mode="after")
    def _some_secret(self) -> Matrix:
        if not (self.password.get_secret_value() or self.access_token.get_secret_value()):
            raise wrong(N_("needs password_file or access_token_file"))
        return self


class Archive(Section):
    """How long what has ended is kept; negative = for ever."""

    keep_days: int = 90
    log_keep_days: int = 90


class Moderation(Section):
    """What moderators are offered."""

    reasons: Words = []


class Reminders(Section):
    """When rooms are reminded of held posts, in the organisation's time zone."""

    at: Words = ["09:00", "18:00"]

    @field_validator("at")
    @classmethod
    def _hours(cls, values: list[str]) -> list[str]:
        for value in values:
            hour, colon, minute = value.partition(":")
            if not (colon and hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
                raise wrong(N_('must be hours such as "09:00"'))
        return values

    @property
    def hours(self) -> tuple[time, ...]:
        """`at` as hours of the day."""
        return tuple(time(int(hour), int(minute)) for hour, _, minute in (v.partition(":") for v in self.at))


class Screening(Section):
    """What else makes a post probable spam: names of header fields that say yes."""

    spam_headers: Words = []


class Bounces(Section):
    """When an address is suspended."""

    limit: Annotated[int, Field(ge=1)] = 5
    forget_days: Annotated[int, Field(ge=1)] = 7


class Directory(Section):
    """Groups that follow a source."""

    sync_every_h: Annotated[int, Field(ge=1)] = 6
    always_members: Words = []


class Dns(Section):
    """Which resolver is asked; empty = the system's."""

    server: str = ""

    @field_validator("server")
    @classmethod
    def _an_ip_address(cls, value: str) -> str:
        try:
            known = not value or bool(_place(value))
        except ValueError:
            known = False
        if not known:
            raise wrong(N_("must be empty or the IP address of a name server, such as 192.0.2.1"))
        return value

    @property
    def place(self) -> tuple[str, int] | None:
        """IP address and port of `server`; None for the system's."""
        return _place(self.server) if self.server else None


def _place(server: str) -> tuple[str, int]:
    """``192.0.2.1``, ``2001:db8::1``, or with a port: ``127.0.0.1:5353``, ``[::1]:5353``.

    Raises ValueError.
    """
    host, port = server, "53"
    if server.startswith("[") or server.count(":") == 1:
        host, _, port = server.rpartition(":")
    if not 0 < int(port) < 65_536:
        raise ValueError(port)
    return str(ip_address(host.removeprefix("[").removesuffix("]"))), int(port)


class Http(Section):
    """Where health and metrics are served; empty = nowhere."""

    listen: str = ""


class Settings(BaseSettings):
    """The whole file; see `config.loading.load` for where values come from."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix="FACTEUR_",
        env_nested_delimiter="__",
    )

    organisation: Annotated[str, Field(min_length=1)] = "facteur"
    language: Literal["fr", "en"] = "fr"
    timezone: str = "Europe/Paris"
    data_dir: Path = Path("data")
    database_url: SecretStr = SecretStr("")
    admins: Words = []

    poll: Poll = Poll()
    smtp: Smtp = Smtp()
    telegram: Telegram | None = None
    matrix: Matrix | None = None
    archive: Archive = Archive()
    moderation: Moderation = Moderation()
    reminders: Reminders = Reminders()
    screening: Screening = Screening()
    bounces: Bounces = Bounces()
    directory: Directory = Directory()
    dns: Dns = Dns()
    http: Http = Http()

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose table is passed to the constructor."""
        return env_settings, init_settings

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise wrong(N_("must be a time zone such as Europe/Paris")) from None
        return value

    @field_validator("admins")
    @classmethod
    def _admin_ids(cls, values: list[str]) -> list[str]:
        for value in values:
            network, colon, who = value.partition(":")
            if network not in {"telegram", "matrix"} or not colon or not who:
                raise wrong(N_('must be ids such as "telegram:123456789" (see /whoami)'))
        return values

    @field_validator("database_url")
    @classmethod
    def _supported_database(cls, value: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(value.get_secret_value())
            known = parts.scheme in {"", "postgres", "postgresql"} and (parts.port or True)
        except ValueError:  # a special character of the password that is not written as %2F
            known = False
        if not known:
            raise wrong(N_("must be empty or postgres://user:password@host/name"))
        return value
