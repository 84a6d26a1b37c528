"""The chat networks of the configuration; their libraries are dear to import and come in only then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from bot.chat.language import LANGUAGES, BabelLanguage, Languages
from bot.chat.registry import menu
from bot.core.clock import Clock
from bot.core.people import Rank
from bot.core.ports import ChatTransport
from bot.core.stores import Stores
from config.settings import Settings


def chat_networks(
    settings: Settings, stores: Stores, languages: Languages, clock: Clock
) -> Iterator[ChatTransport]:
    """A transport for each section that is filled in."""
    if settings.telegram:
        yield _telegram(settings, languages)
    if settings.matrix:
        yield _matrix(settings, stores, languages, clock)


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


def _matrix(settings: Settings, stores: Stores, languages: Languages, clock: Clock) -> ChatTransport:
    from transports.matrix.room import Account, Matrix, Phrases

    section = settings.matrix
    assert section
    language = languages.default
    words = {field.name: language.sentence(str(field.default)) for field in fields(Phrases)}

    async def is_admin(actor_id: str) -> bool:
        return actor_id in await stores.admins.all()

    return Matrix(
        Account(
            section.homeserver.rstrip("/"),
            section.user_id,
            password=section.password.get_secret_value(),
            access_token=section.access_token.get_secret_value(),
        ),
        stores.notes,
        settings.data_dir / "matrix",
        clock,
        is_admin=is_admin,
        verified_only=section.trust == "verified",
        phrases=Phrases(**words),
    )


def _offers(language: BabelLanguage) -> Iterator[Sequence[tuple[str, str]]]:
    """What everybody, moderators and administrators may use: names and summaries."""
    for rank in (Rank.ANYONE, Rank.MODERATOR, Rank.ADMIN):
        yield [(known.name, language.sentence(known.summary)) for known in menu(rank)]
