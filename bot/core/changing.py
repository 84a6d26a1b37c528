"""Changing settings by what somebody typed: what may stand where, and what a change takes with it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bot.core.errors import Meant, UserError
from bot.core.settings import SECRETS, ListSettings, MailProtocol, folders_of
from bot.core.telling import allowed, choices_of
from bot.core.text import Text

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


def no_setting(key: str) -> Text:
    """That there is none of this name, and which are nearly called so."""
    near = difflib.get_close_matches(key, ListSettings.model_fields, n=3)
    if near:
        return Text("There is no setting {key}: did you mean {near}?", key=key, near=" / ".join(near))
    return Text("There is no setting {key}", key=key)


def _mistake(key: str, value: object) -> Text:
    if key not in ListSettings.model_fields:
        return no_setting(key)
    if near := _nearly(key, value):
        return Text(
            "{key} must be: {allowed}. Did you mean {near}?",
            key=key,
            allowed=allowed(key),
            near=near[1],
        )
    return Text("{key} must be: {allowed}", key=key, allowed=allowed(key))
