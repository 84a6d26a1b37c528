"""The chat networks of the configuration; their libraries are dear to import and come in only then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.chat.language import LANGUAGES, BabelLanguage, Languages
from bot.chat.registry import menu
from bot.core.people import Rank
from bot.core.ports import ChatTransport
from config.settings import Settings


def chat_networks(settings: Settings, languages: Languages) -> Iterator[ChatTransport]:
    """A transport for each section that is filled in."""
    if settings.telegram:
        yield _telegram(settings, languages)


def _telegram(settings: Settings, languages: Languages) -> ChatTransport:
    from transports.telegram.menu import Menu
    from transports.telegram.room import Telegram

    assert settings.telegram
    others = Menu("", *_offers(languages.default))
    menus = [Menu(code, *_offers(languages.of(code))) for code in LANGUAGES]
    return Telegram(
        settings.telegram.token.get_secret_value(),
        base_url=settings.telegram.base_url,
        language=languages.default,
        menus=[others, *menus],
        admins=settings.admins,
    )


def _offers(language: BabelLanguage) -> Iterator[Sequence[tuple[str, str]]]:
    """What everybody, moderators and administrators may use: names and summaries."""
    for rank in (Rank.ANYONE, Rank.MODERATOR, Rank.ADMIN):
        yield [(known.name, language.sentence(known.summary)) for known in menu(rank)]
