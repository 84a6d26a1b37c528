"""Matrix as a chat network: one login, listening as long as it runs, showing in any room that it is in."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from nio.events import Event
from typing_extensions import override

from bot.core.chat import Place, Screen
from bot.core.clock import Clock
from bot.core.errors import FacteurError, PermanentError, ServerTrouble, TransientError, Trouble
from bot.core.ports import ChatTransport, Listener
from bot.core.stores import NoteStore
from bot.core.text import Text
from transports.matrix.api import Api, Patience
from transports.matrix.hearing import Hearing
from transports.matrix.login import OWNER, Account, Logins
from transports.matrix.membership import IsAdmin, Membership, check_room
from transports.matrix.render import Phrases
from transports.matrix.screens import Screens
from transports.matrix.showing import Show
from transports.matrix.signing import is_signed, judge_devices, keys_of, sign_own_device
from transports.matrix.sync_loop import SyncLoop
from transports.matrix.troubles import LoggedOut, Unreachable
from transports.matrix.undecrypted import Undecrypted

__all__ = ["Account", "Matrix", "Patience", "Phrases"]

_CONNECTED_WITHIN_S = 20.0
_TIME_TO_FINISH_S = 10.0
_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 1.0, 60.0
_LOGIN_BACK_OFF_S = 300.0
"""Homeservers lock out who tries a wrong password too often."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Session:
    """What there is while the bot is logged in and has seen its rooms."""

    api: Api
    show: Show
    sync_loop: SyncLoop


class Matrix(ChatTransport):
    """The bot's account on Matrix.

    Args:
        account: from the configuration.
        notes: where the login and the position are kept.
        folder: for the keys of encrypted rooms; made with mode 0700.
        clock: of the notes.
        is_admin: whose invitations are accepted.
        verified_only: keys of encrypted rooms go only to devices that their owners have verified.
        phrases: the transport's own words in the reader's language.
        patience: how long is waited for what.
    """

    name = OWNER

    def __init__(  # noqa: PLR0913 - what the composition root has for it
        self,
        account: Account,
        notes: NoteStore,
        folder: Path,
        clock: Clock,
        *,
        is_admin: IsAdmin,
        verified_only: bool = False,
        phrases: Phrases | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._account = account
        self._notes = notes
        self._folder = folder
        self._clock = clock
        self._is_admin = is_admin
        self._verified_only = verified_only
        self._phrases = phrases or Phrases()
        self._patience = patience
        self._logins = Logins(account, notes, folder)
        self._screens = Screens(notes, clock)
        self._session: _Session | None = None
        self._drained = AsyncExitStack()
        self._listener: Listener | None = None
        self._connected = asyncio.Event()

    @override
    async def run(self, listener: Listener) -> None:
        """Listen until cancelled; whatever fails is tried again, ever more slowly."""
        failures = 0
        while True:
            try:
                async with self._opened(listener) as session:
                    failures = 0
                    await listener.away(OWNER, None)
                    await _first_of(session.sync_loop.go_on(), session.show.react())
            except FacteurError as error:
                if isinstance(error, LoggedOut):
                    await self._logins.forget(self._clock.now())
                failures += 1
                _log.warning("not connected to Matrix", why=str(error), failures=failures)
                await listener.away(OWNER, error.text)
                await asyncio.sleep(_back_off(error, failures))

    @override
    async def drain(self, listener: Listener) -> None:
        """Handle once what was said since the last time; what is shown afterwards goes out until `close`."""
        session = await self._drained.enter_async_context(self._opened(listener))
        await session.sync_loop.settle()

    @override
    async def close(self) -> None:
        session = self._session
        try:
            if session:
                async with asyncio.timeout(_TIME_TO_FINISH_S):
                    await session.show.settle()
        except (TimeoutError, FacteurError):
            pass  # the reactions that are missing are put there by the next session
        await self._drained.aclose()

    @override
    async def part_of(self, place: Place, title: str, among: Collection[str]) -> Place:
        return place

    @override
    async def check(self, address: str = "") -> Text | None:
        """Prove the login, and that others see the bot's device as verified. Makes a login where none is."""
        if await self._logins.kept() is None:
            async with self._logged_in() as api:
                await api.sync("", full=True)
                await api.maintain()
                await sign_own_device(api, self._notes, self._account.password, self._clock.now())
        async with self._logged_in() as api:
            await api.request("GET", "/_matrix/client/v3/account/whoami")
            if address:
                await check_room(api, address)
                return self._about_limit()
            answer = await keys_of(api, api.login.user_id)
            if not is_signed(answer, api.login.user_id, api.login.device_id):
                raise PermanentError(
                    Text(
                        "The bot's device is not verified, so some applications will not talk to it in "
                        "encrypted rooms. facteur run verifies it; its log says what keeps it from that."
                    )
                )
        return self._about_limit()

    @override
    async def post(self, address: str, screen: Screen) -> str:
        session = await self._now_connected()
        try:
            return await session.show.post(address, screen, screen.key or uuid.uuid4().hex)
        except Unreachable as error:
            await self._tell_unreachable(address, error)
            raise

    @override
    async def edit(self, address: str, message_id: str, screen: Screen) -> None:
        session = await self._now_connected()
        try:
            await session.show.edit(address, message_id, screen)
        except Unreachable as error:
            await self._tell_unreachable(address, error)
            raise

    @asynccontextmanager
    async def _opened(self, listener: Listener) -> AsyncIterator[_Session]:
        """Logged in, every room known, and all that was said meanwhile on its way."""
        async with self._logged_in() as api:
            await self._screens.load()
            show = Show(api, self._screens, self._phrases)
            hearing = Hearing(api, show, self._screens, listener)

            async def heard(room_id: str, event: Event) -> None:
                await sync_loop.hear(room_id, event)

            undecrypted = Undecrypted(api, self._notes, self._clock, heard=heard, complain=show.ask_again)
            membership = Membership(api, self._notes, self._clock, listener, self._is_admin)
            sync_loop = SyncLoop(api, self._notes, self._clock, hearing, membership, undecrypted)
            self._listener = listener
            try:
                await sync_loop.begin()
                await self._sign(api)
                self._session = _Session(api, show, sync_loop)
                self._connected.set()
                _log.info("connected to Matrix", user=api.login.user_id, rooms=len(api.client.rooms))
                yield self._session
            finally:
                self._connected.clear()
                self._session = None
                sync_loop.close()
                undecrypted.close()

    @asynccontextmanager
    async def _logged_in(self) -> AsyncIterator[Api]:
        login = await self._logins.get(self._clock.now())
        judge = judge_devices if self._verified_only else None
        api = Api(self._account.homeserver, login, self._folder, judge, self._patience)
        try:
            yield api
        finally:
            await api.close()

    def _about_limit(self) -> Text | None:
        """How to let the bot write faster, where this process has been asked to wait."""
        if not (self._session and self._session.api.budget.limited):
            return None
        return Text(
            "The Matrix server makes the bot wait between messages, so a busy hour comes late. Whoever runs "
            'it can lift that: POST {{"messages_per_second": 0, "burst_count": 0}} to '
            "/_synapse/admin/v1/users/{user}/override_ratelimit",
            user=self._account.user_id,
        )

    async def _sign(self, api: Api) -> None:
        """Without it most applications still talk to the bot, so it goes on."""
        try:
            await sign_own_device(api, self._notes, self._account.password, self._clock.now())
        except PermanentError as error:
            _log.warning("own device not verified", why=str(error))

    async def connected(self) -> None:
        """Wait until the bot is logged in and knows its rooms."""
        await self._connected.wait()

    async def _now_connected(self) -> _Session:
        try:
            async with asyncio.timeout(_CONNECTED_WITHIN_S):
                while self._session is None:
                    await self._connected.wait()
        except TimeoutError:
            raise ServerTrouble(Trouble.LOST, Text("The bot is not connected to Matrix.")) from None
        return self._session

    async def _tell_unreachable(self, address: str, error: Unreachable) -> None:
        if self._listener:
            await self._listener.unreachable(Place(OWNER, address), error.text)


def _back_off(error: FacteurError, failures: int) -> float:
    if isinstance(error, LoggedOut) and failures == 1:
        return 0.0
    if not isinstance(error, TransientError) or getattr(error, "trouble", None) is Trouble.LOGIN:
        return _LOGIN_BACK_OFF_S
    return float(min(_FIRST_BACK_OFF_S * 2 ** min(failures - 1, 10), _LONGEST_BACK_OFF_S))


async def _first_of(*works: Coroutine[object, object, None]) -> None:
    """Until one of them ends, which is then the end of all; raises what it raises."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
