"""The command menus and the texts about the bot."""

from __future__ import annotations

import re
from typing import Any

from tests.support.bot_api.calls import Call, method
from tests.support.bot_api.chats import Chat
from tests.support.bot_api.network import Network
from tests.support.bot_api.people import Person
from tests.support.bot_api.refusals import bad_request

COMMAND_LIMIT = 100
_NAME = re.compile("[a-z0-9_]{1,32}")
_LANGUAGE = re.compile("(?:[a-z]{2})?")
_WIDE = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}
_NARROW = {"chat", "chat_administrators", "chat_member"}
_LONGEST = {"description": 512, "short_description": 120}
"""core.telegram.org/bots/api#setmydescription, #setmyshortdescription."""


@method("setMyCommands")
async def set_my_commands(call: Call) -> bool:
    """core.telegram.org/bots/api#setmycommands and #botcommand."""
    scope = _scope(call)
    commands = call.json("commands", [])
    if not isinstance(commands, list):
        raise bad_request("can't parse commands JSON object")
    if len(commands) > COMMAND_LIMIT:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _NAME.fullmatch(command.get("command", "").removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "").strip()) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    call.network.menus[scope] = commands
    return True


@method("getMyCommands")
async def get_my_commands(call: Call) -> list[dict[str, str]]:
    """core.telegram.org/bots/api#getmycommands: those of exactly this scope and language."""
    return call.network.menus.get(_scope(call), [])


@method("deleteMyCommands")
async def delete_my_commands(call: Call) -> bool:
    """core.telegram.org/bots/api#deletemycommands."""
    call.network.menus.pop(_scope(call), None)
    return True


@method("setMyDescription")
async def set_my_description(call: Call) -> bool:
    return _describe(call, "description")


@method("setMyShortDescription")
async def set_my_short_description(call: Call) -> bool:
    return _describe(call, "short_description")


@method("getMyDescription")
async def get_my_description(call: Call) -> dict[str, str]:
    return _described(call, "description")


@method("getMyShortDescription")
async def get_my_short_description(call: Call) -> dict[str, str]:
    return _described(call, "short_description")


def menu(network: Network, person: Person, chat: Chat) -> list[dict[str, str]]:
    """What a person is offered in a chat: core.telegram.org/bots/api#botcommandscope.

    The first list that is not empty, from the narrowest scope to the widest, each in the person's language
    before the one for all languages.
    """
    if chat.kind == "private":
        scopes = [("chat", chat.id, 0), ("all_private_chats", 0, 0)]
    else:
        scopes = [("chat_member", chat.id, person.id)]
        if person.id in chat.administrators:
            scopes.append(("chat_administrators", chat.id, 0))
        scopes.append(("chat", chat.id, 0))
        if person.id in chat.administrators:
            scopes.append(("all_chat_administrators", 0, 0))
        scopes.append(("all_group_chats", 0, 0))
    for scope in [*scopes, ("default", 0, 0)]:
        for language in (person.language, ""):
            if offered := network.menus.get((*scope, language)):
                return offered
    return []


def _scope(call: Call) -> tuple[str, int, int, str]:
    given: dict[str, Any] = call.json("scope", {"type": "default"})
    kind = given.get("type", "")
    if kind not in _WIDE | _NARROW:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    chat_id = call.network.chat(str(given.get("chat_id", ""))).id if kind in _NARROW else 0
    user_id = int(given.get("user_id", 0)) if kind == "chat_member" else 0
    return kind, chat_id, user_id, _language(call)


def _language(call: Call) -> str:
    """Two letters or nothing: `validate_bot_language_code` in td/telegram/misc.cpp."""
    language = call.text("language_code")
    if not _LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    return language


def _describe(call: Call, what: str) -> bool:
    if len(call.text(what)) > _LONGEST[what]:
        raise bad_request(f"BOT_{what.upper()}_TOO_LONG")
    call.network.descriptions[what, _language(call)] = call.text(what)
    return True


def _described(call: Call, what: str) -> dict[str, str]:
    texts = call.network.descriptions
    return {what: texts.get((what, _language(call))) or texts.get((what, ""), "")}
