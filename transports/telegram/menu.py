"""The commands that Telegram offers while somebody types a slash, for each scope and language.

A scope only decides what is shown: rights are checked at each command.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog
from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)

from bot.core.errors import FacteurError
from transports.telegram.api import Api
from transports.telegram.render import clean, cut

_COMMANDS = 100
_SUMMARY_LIMIT = 256

_log = structlog.get_logger(__name__)

Commands = Sequence[tuple[str, str]]
"""(name, one-line summary) of each."""


@dataclass(frozen=True, slots=True)
class Menu:
    """What is offered to whom, in one language (``fr``; empty = in any other)."""

    language: str
    everyone: Commands
    moderators: Commands
    admins: Commands


async def offer(api: Api, menus: Sequence[Menu], admins: Collection[int]) -> None:
    """Bring Telegram's menus up to date: nobody misses them much, so trouble is only logged."""
    try:
        for menu in menus:
            await _set(api, menu.everyone, BotCommandScopeDefault(), menu.language)
            await _set(api, menu.moderators, BotCommandScopeAllGroupChats(), menu.language)
    except FacteurError as error:
        _log.warning("menu not set", why=str(error))
        return
    for admin in admins:
        try:
            for menu in menus:
                await _set(api, menu.admins, BotCommandScopeChat(admin), menu.language)
        except FacteurError as error:  # they have not started the bot yet
            _log.info("no menu for an administrator", id=admin, why=str(error))


async def _set(api: Api, commands: Commands, scope: BotCommandScope, language: str) -> None:
    wanted = tuple(
        BotCommand(name, cut(clean(summary), _SUMMARY_LIMIT)) for name, summary in commands[:_COMMANDS]
    )
    async with api.meaning():
        if await api.bot.get_my_commands(scope, language or None) != wanted:
            await api.bot.set_my_commands(wanted, scope, language or None)
