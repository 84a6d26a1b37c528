"""What is shown below words or a press: screens and files, in order, as the chat's budget allows."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.core.chat import File, Screen, line
from bot.core.errors import Busy, FacteurError, ServerTrouble
from bot.core.text import Language, Size, Text
from transports.telegram.api import Api
from transports.telegram.budget import Kind
from transports.telegram.keyboard import Markup, answered_by_words, keyboard
from transports.telegram.render import Part, calling, card, clean, parts
from transports.telegram.spots import Spot

UPLOAD_LIMIT = 50_000_000
PHOTO_LIMIT = 10_000_000
"""Octets that a bot may send (Bot API, sendDocument and sendPhoto)."""
ALBUM = 10

_PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
_RETRIES_S = (1.0, 5.0, 20.0)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Below:
    """Where an answer goes: `reply_to` is the message it answers, `user` and `name` who asked by a press."""

    spot: Spot
    reply_to: int = 0
    user: int = 0
    name: str = ""


class Answers:
    """Posts answers, one after the other in each chat, without keeping anybody else waiting."""

    def __init__(self, api: Api, language: Language) -> None:
        self._api = api
        self._language = language
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._under_way: set[asyncio.Task[None]] = set()

    def post(self, below: Below, screens: Sequence[Screen]) -> None:
        """Post them soon."""
        if screens:
            self._begin(self._post(below, screens))

    def turn(self, below: Below, screen: Screen) -> None:
        """Show it soon in the place of the message that it answers; anew where that cannot be."""
        self._begin(self._turn(below, screen))

    async def finish(self, within_s: float) -> None:
        """Let what is being posted end; the rest is left out."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=within_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    async def patiently(self, send: Callable[[], Awaitable[object]]) -> None:
        """Send it when the chat has room again, and again where the network failed. Raises FacteurError."""
        failures = 0
        while True:
            try:
                await send()
            except Busy as busy:
                await asyncio.sleep(busy.delay.total_seconds())
            except ServerTrouble:
                if failures == len(_RETRIES_S):
                    raise
                await asyncio.sleep(_RETRIES_S[failures])
                failures += 1
            else:
                return

    def _begin(self, posting: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(posting)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("answer not posted", exc_info=error)

    async def _post(self, below: Below, screens: Sequence[Screen]) -> None:
        async with self._turns[below.spot.chat]:
            try:
                for screen in screens:
                    await self._show(below, screen)
            except FacteurError as error:
                _log.warning("answer not posted", chat=below.spot.chat, why=str(error))

    async def _turn(self, below: Below, screen: Screen) -> None:
        markup = keyboard(screen, links=self._api.links, private=below.spot.private)
        async with self._turns[below.spot.chat]:
            try:
                await self.patiently(lambda: self._api.edit(below.spot, below.reply_to, card(screen), markup))
            except FacteurError as error:
                _log.info("page not turned", chat=below.spot.chat, why=str(error))
                self.post(below, [screen])

    async def _show(self, below: Below, screen: Screen) -> None:
        """The words first; then the files, each of which may fail alone."""
        markup = keyboard(screen, links=self._api.links, private=below.spot.private)
        shown = parts(self._with_hint(screen, below))
        if screen.asks and markup is None:
            shown, asked = _asking(shown, below)
        else:
            asked = None
        for number, part in enumerate(shown, 1):
            last = number == len(shown)
            await self._say(below, part, (asked or markup) if last else None)
        await self._hand_out(below, screen.files)

    def _with_hint(self, screen: Screen, below: Below) -> Screen:
        if not (screen.asks and screen.buttons) or below.spot.private:
            return screen
        hint = Text("Tap one, or write your answer as a reply to this message.")
        return replace(screen, below=(*screen.below, line(hint.render(self._language))))

    async def _say(self, below: Below, part: Part, markup: Markup | None = None) -> None:
        await self.patiently(
            lambda: self._api.send(below.spot, part, Kind.ANSWER, markup=markup, reply_to=below.reply_to)
        )

    async def _hand_out(self, below: Below, files: Sequence[File]) -> None:
        photos = [file for file in files if _is_photo(file)]
        for start in range(0, len(photos), ALBUM):
            await self._album(below, photos[start : start + ALBUM])
        for file in files:
            if not _is_photo(file):
                await self._document(below, file)

    async def _album(self, below: Below, photos: Sequence[File]) -> None:
        """Images that Telegram does not take as photos still go as files."""
        try:
            await self.patiently(lambda: self._api.send_photos(below.spot, photos, reply_to=below.reply_to))
        except FacteurError as error:
            _log.info("photos not taken", chat=below.spot.chat, why=str(error))
            for photo in photos:
                await self._document(below, photo)

    async def _document(self, below: Below, file: File) -> None:
        name = clean(file.name) or "file"
        if len(file.content) > UPLOAD_LIMIT:
            size, limit = Size(len(file.content)), Size(UPLOAD_LIMIT)
            too_large = Text(
                "📎 {name} has {size}: Telegram takes at most {limit} from a bot.",
                name=name,
                size=size,
                limit=limit,
            )
            await self._complain(below, too_large)
            return
        try:
            await self.patiently(
                lambda: self._api.send_file(below.spot, replace(file, name=name), reply_to=below.reply_to)
            )
        except FacteurError as error:
            not_sent = Text("📎 {name} could not be sent: {reason}", name=name, reason=error.text)
            await self._complain(below, not_sent)

    async def _complain(self, below: Below, text: Text) -> None:
        for part in parts(Screen(lines=(line(text.render(self._language)),))):
            await self._say(below, part)


def _asking(shown: list[Part], below: Below) -> tuple[list[Part], Markup]:
    """Have whoever asked answer by a reply; in a group after a press they are called by name."""
    if below.user and not below.spot.private and shown:
        shown = [*shown[:-1], calling(shown[-1], below.user, below.name)]
    return shown, answered_by_words()


def _is_photo(file: File) -> bool:
    return file.content_type.lower() in _PHOTOS and 0 < len(file.content) <= PHOTO_LIMIT
