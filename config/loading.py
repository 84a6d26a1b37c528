"""Where settings come from: ``facteur.toml``, then the environment, which wins."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from config.settings import N_, Settings

FILE_NAME = "facteur.toml"
_PREFIX = "FACTEUR_"
_NOT_KEYS = {"FACTEUR_CONFIG", "FACTEUR_SECRET_KEY"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: where, and an English template with its values, never a secret."""

    key: str
    template: str
    values: dict[str, str] = field(default_factory=dict)


class ConfigurationError(Exception):
    """Everything that is wrong, at once; `language` is that of the file where it names one."""

    def __init__(self, mistakes: list[Mistake], language: str = "en") -> None:
        super().__init__("; ".join(f"{m.key}: {m.template.format(**m.values)}" for m in mistakes))
        self.mistakes = mistakes
        self.language = language


def load(path: Path | None = None) -> Settings:
    """The settings of this installation.

    Args:
        path: the file; None = ``$FACTEUR_CONFIG``, else ``facteur.toml`` in the current folder,
            which may be missing if the environment has settings.

    Relative paths in the file start from its folder.

    Raises:
        ConfigurationError: with every mistake.
    """
    file = path or Path(os.environ.get("FACTEUR_CONFIG") or FILE_NAME)
    table = _table(file, required=path is not None or "FACTEUR_CONFIG" in os.environ)
    unknown = [
        Mistake(name, N_("there is no such key"))
        for name in sorted(os.environ)
        if name.startswith(_PREFIX) and name not in _NOT_KEYS and not _is_key(name)
    ]
    language = "fr" if table.get("language", "fr") == "fr" else "en"
    try:
        settings = Settings(**_placed(table, file.parent.absolute()))
    except ValidationError as error:
        mistakes = [_mistake(item) for item in error.errors(include_input=False)]
        raise ConfigurationError(unknown + mistakes, language) from None
    except SettingsError as error:
        mistakes = [Mistake(_PREFIX + "*", N_("cannot be read ({why})"), {"why": str(error)})]
        raise ConfigurationError(unknown + mistakes, language) from None
    if unknown:
        raise ConfigurationError(unknown, language)
    return settings.model_copy(update={"data_dir": file.parent.absolute() / settings.data_dir.expanduser()})


def _table(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        if not required and any(name.startswith(_PREFIX) for name in os.environ):
            return {}
        raise ConfigurationError(
            [Mistake(str(file), N_("there is no such file: copy facteur.example.toml to it"))]
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise _unusable(file, N_("is not TOML: {why}"), str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise _unusable(file, N_("cannot be read ({why})"), why or "") from None


def _placed(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The table, with the paths of its secret files as seen from the file's own folder."""
    placed = dict(table)
    for key, value in table.items():
        if isinstance(value, dict):
            placed[key] = _placed(value, folder)
        elif key.endswith("_file") and isinstance(value, str) and value:
            placed[key] = str(folder / Path(value).expanduser())
    return placed


def _unusable(file: Path, template: str, why: str = "") -> ConfigurationError:
    return ConfigurationError([Mistake(str(file), template, {"why": why})])


def _is_key(variable: str) -> bool:
    return variable.removeprefix(_PREFIX).lower().partition("__")[0] in Settings.model_fields


_TEMPLATES = {
    "extra_forbidden": N_("there is no such key"),
    "missing": N_("is missing"),
    "int_type": N_("must be a whole number"),
    "int_parsing": N_("must be a whole number"),
    "int_from_float": N_("must be a whole number"),
    "bool_type": N_("must be true or false"),
    "bool_parsing": N_("must be true or false"),
    "string_type": N_("must be text in quotes"),
    "string_too_short": N_("must not be empty"),
    "list_type": N_('must be a list such as ["one", "two"]'),
    "literal_error": N_("must be one of {expected}"),
    "greater_than_equal": N_("must be {ge} or more"),
    "less_than_equal": N_("must be {le} or less"),
    "model_type": N_("must be a section, [name]"),
    "model_attributes_type": N_("must be a section, [name]"),
}


def _mistake(item: Any) -> Mistake:  # noqa: ANN401 - pydantic's ErrorDetails
    key = ".".join(str(part) for part in item["loc"]) or FILE_NAME
    values = {name: str(value) for name, value in item.get("ctx", {}).items()}
    if "expected" in values:
        values["expected"] = values["expected"].replace(" or ", ", ")  # a list needs no translation
    own = values.pop("template", "")  # of an error raised in config.settings
    return Mistake(key, own or _TEMPLATES.get(item["type"], N_("cannot be used")), values)
