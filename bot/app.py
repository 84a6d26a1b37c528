"""The only place that knows every part: builds them, starts them, stops them in order."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from bot.chat.desk import Desk, Installation
from bot.chat.dispatch import Dispatcher
from bot.chat.language import Languages
from bot.chat.permissions import Permissions
from bot.chat.registry import menu
from bot.chat.rooms import RoomWorker
from bot.chat.session import ChatSession
from bot.core.addresses import fold
from bot.core.bounces import Limit
from bot.core.chat import Room
from bot.core.clock import Clock
from bot.core.errors import FacteurError, UserError, why
from bot.core.lists import MailingList, SmtpAccount, smtp_port
from bot.core.people import LOCAL, Actor, Rank, group_name
from bot.core.ports import ChatTransport, Dns, Servers
from bot.core.settings import Box, Security
from bot.core.stores import Hold, Stores
from bot.core.text import N_, Text, verbatim
from bot.flow.accounts import Accounts
from bot.flow.answers import Answers
from bot.flow.archive import Archive
from bot.flow.authentication import Authenticator
from bot.flow.bounces import Bounces
from bot.flow.checked import Checked, checked_place
from bot.flow.checks import Checks
from bot.flow.decisions import Decisions
from bot.flow.disk import Disk
from bot.flow.guessing import Guessing
from bot.flow.leaving import Leaving
from bot.flow.linking import Linking
from bot.flow.notices import Notices, Organisation
from bot.flow.reminders import Hours, Reminders
from bot.flow.screening import Screening
from bot.flow.selftest import SelfTest
from bot.flow.service import Service
from bot.flow.sync import Sync
from bot.flow.trials import Trials
from bot.flow.welcomes import Welcomes
from bot.networks import chat_networks
from config.settings import Settings, Smtp
from storage.database import open_stores
from storage.secrets import FernetBox, box_from_file
from transports.dns import DnsResolver
from transports.servers import MailServers
from transports.sheets.sources import SheetReader

log = structlog.get_logger()

PARTS = ("poll", "chat", "deliver")
"""What ``facteur run --only`` chooses from."""

_NOT_YET = ("http",)
"""Sections of the configuration that are promised: whoever fills one in is told."""

_SHARED = ("deliver",)
"""Each delivery is claimed by one process, so any number may send."""

_PATIENCE = timedelta(seconds=20)
"""So long ``facteur check`` waits for each list's mail to itself."""

_SERVED = N_("facteur is running on these data already: stop it first, or let it do the work")
_OPEN = N_("a console is open on these data already")


@dataclass(frozen=True, slots=True)
class App:
    """Every part, built and connected to each other."""

    settings: Settings
    stores: Stores
    dispatcher: Dispatcher
    desk: Desk
    service: Service
    clock: Clock
    chats: Sequence[ChatTransport] = ()

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    @asynccontextmanager
    async def running(self, parts: Collection[str], *, alone: bool = False) -> AsyncIterator[Hold]:
        """Hold the locks of these parts; deliveries may leave from several processes, unless `alone`.

        Raises UserError if another process has one of them.
        """
        names = [part for part in PARTS if part in parts]
        async with self.stores.locks.hold(names, Text(_SERVED), () if alone else _SHARED) as held:
            yield held

    async def is_served(self) -> bool:
        """Whether a service takes in or sends mail on these data, in this process or another."""
        return await self.stores.locks.is_held(["poll", "deliver"])

    def start(self, parts: Collection[str]) -> None:
        """Start the parts named."""
        for section in _NOT_YET:
            if getattr(self.settings, section) != type(self.settings).model_fields[section].default:
                log.warning("not available yet", section=section)
        if "poll" in parts:
            self.service.start_polling()
        if "deliver" in parts:
            self.service.start_delivering()
        for transport in self.chats if "chat" in parts else ():
            ChatSession(transport, self.dispatcher, self.stores, self.service.runner, self.worker_in).start()

    async def one_pass(self) -> Mapping[str, Text]:
        """What the rooms said since, then mail in, cards, mail out; what went wrong, by where."""
        troubles: dict[str, Text] = {}
        async with AsyncExitStack() as sessions:
            heard = []
            for transport in self.chats:
                try:
                    await sessions.enter_async_context(self.stores.locks.hold([transport.name], Text(_OPEN)))
                    await transport.drain(self.dispatcher)
                except FacteurError as error:
                    troubles[transport.name] = error.text
                    if not isinstance(error, UserError):  # then another process listens, as it should
                        await self.dispatcher.away(transport.name, error.text)
                else:
                    heard.append(transport)
                    await self.dispatcher.away(transport.name, None)
            troubles |= await self.service.one_pass(partial(self._show_cards, heard))
            await self._show_cards(heard)
        return troubles

    async def _show_cards(self, transports: Sequence[ChatTransport]) -> None:
        """Bring every room up to date, as far as that is possible now."""
        for transport in transports:
            for room in await self.stores.rooms.running(transport.name):
                worker = self.worker_in(transport, room, rests=False)
                while (again_at := await worker.step()) and again_at <= self.clock.now():
                    pass

    async def check_list(self, mlist: MailingList) -> Sequence[Checked]:
        """Its accounts and, where they work, a mail to itself: awaited where a service takes it in."""
        found = await self.desk.checks.check(mlist)
        if any(checked.trouble for checked in found):
            return found
        patience = _PATIENCE if await self.is_served() else timedelta()
        return [*found, await self.desk.self_test.prove(mlist, patience)]

    async def check_chats(self) -> Sequence[tuple[str, Checked]]:
        """Each chat network, and each room there in which facteur has something to show."""
        found = []
        for transport in self.chats:
            rooms = await self.stores.rooms.running(transport.name)
            places = [
                ("", Text("the bot")),
                *((room.address, verbatim(room.title or room.address)) for room in rooms),
            ]
            for address, what in places:
                found.append((f"[{transport.name}]", await checked_place(transport, address, what)))
                if found[-1][1].trouble and not address:
                    break  # nothing else can be better
        return found

    def worker_in(self, transport: ChatTransport, room: Room, *, rests: bool = True) -> RoomWorker:
        """What keeps the cards of a room up to date; see there for `rests`."""
        desk = self.desk
        return RoomWorker(
            self.stores, desk.accounts, desk.languages, self.clock, transport, room, rests=rests
        )

    async def moderate(self, transport: ChatTransport, address: str) -> None:
        """Make the transport's place a room for every list, until the person there leaves."""
        async with self.stores.locks.hold([transport.name], Text(_OPEN)):
            rooms = self.stores.rooms
            room = await rooms.open(transport.name, address, self.settings.language, self.clock.now())
            self.service.runner.start(f"room {room.id}", self.worker_in(transport, room).step)
            try:
                await transport.run(self.dispatcher)
            finally:
                await rooms.close(room)


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    servers: Servers | None = None,
    dns: Dns | None = None,
    chats: Sequence[ChatTransport] = (),
) -> AsyncIterator[App]:
    """Build everything on the data of this installation; leaving stops what was started.

    `chats`: chat networks beside those of the configuration.

    Raises:
        UserError: the data or the key cannot be used.
        TransientError: the database cannot be used just now.
    """
    clock = clock or Clock()
    _private_folder(settings.data_dir)
    where = settings.database_url.get_secret_value() or database_file(settings)
    always = tuple(map(group_name, settings.directory.always_members))
    async with open_stores(where, box_of(settings), always, clock) as stores:
        servers = servers or MailServers(idle=settings.poll.idle)
        dns = dns or DnsResolver(settings.dns.place)
        accounts = _accounts(settings.smtp)
        organisation = Organisation(settings.organisation, settings.language, settings.zone)
        poll_interval = timedelta(seconds=settings.poll.interval_s)
        languages = Languages(settings.language, settings.zone, clock)
        networks = (*chats, *chat_networks(settings, stores, languages, clock))
        sheets = SheetReader()
        sync = Sync(stores, sheets, clock, timedelta(hours=settings.directory.sync_every_h))
        notices = Notices(organisation)
        answers = Answers(stores, notices)
        self_test = SelfTest(stores, servers, accounts, notices, dns, clock)
        desk = Desk(
            stores=stores,
            decisions=Decisions(stores, clock, answers),
            notices=notices,
            accounts=accounts,
            welcomes=Welcomes(stores, clock, notices),
            linking=Linking(stores, clock, notices, accounts),
            checks=Checks(stores, servers, accounts, clock, settings.zone),
            guessing=Guessing(dns, servers),
            self_test=self_test,
            trials=Trials(stores, servers, accounts, clock),
            languages=languages,
            clock=clock,
            installation=Installation(
                settings.organisation,
                version(),
                poll_interval,
                settings.data_dir / "exports",
                settings.data_dir / "imports",
                tuple(settings.moderation.reasons),
                always,
            ),
            chats={network.name: network for network in networks},
            sheets=sheets,
            sync=sync,
        )
        limit = Limit(settings.bounces.limit, timedelta(days=settings.bounces.forget_days))
        bounces = Bounces(stores, clock, limit, notices)
        service = Service(
            stores,
            servers,
            accounts,
            Screening(
                stores,
                clock,
                Authenticator(dns),
                accounts,
                bounces,
                answers,
                Leaving(stores, notices, clock),
                self_test,
                settings.screening.spam_headers,
            ),
            bounces,
            Archive(stores, clock, settings.archive.keep_days, settings.archive.log_keep_days),
            clock,
            poll_interval,
            settings.zone,
            sync,
            Reminders(stores, clock, notices, Hours(settings.reminders.hours, settings.zone)),
            desk.welcomes,
            Disk(stores, clock, settings.data_dir),
        )
        await stores.admins.configure(settings.admins, clock.now())
        dispatcher = Dispatcher(desk, Permissions(stores))
        try:
            yield App(settings, stores, dispatcher, desk, service, clock, networks)
        finally:
            await service.stop()
            for transport in networks:
                await transport.close()


def terminal_room(app: App) -> tuple[ChatTransport, str]:
    """The terminal of whoever started this process, and the address of the only room in it."""
    from transports.terminal.room import ROOM, Phrases, Terminal  # half of what starting costs

    language = app.desk.languages.default
    words = {field.name: language.sentence(str(field.default)) for field in fields(Phrases)}
    terminal = Terminal(
        local_person(),
        downloads=Path.cwd(),
        commands=[(known.name, language.sentence(known.summary)) for known in menu(Rank.ADMIN)],
        phrases=Phrases(**words),
    )
    return terminal, ROOM


def database_file(settings: Settings) -> Path:
    """Where SQLite keeps everything."""
    return settings.data_dir / "facteur.db"


def box_of(settings: Settings) -> Box:
    """What seals passwords: ``$FACTEUR_SECRET_KEY``, else the key file beside the database."""
    keys = os.environ.get("FACTEUR_SECRET_KEY")
    return FernetBox(keys, "FACTEUR_SECRET_KEY") if keys else box_from_file(settings.data_dir / "secret.key")


def version() -> str:
    """The installed version of facteur."""
    return importlib.metadata.version("facteur")


def local_person() -> Actor:
    """Whoever sits at this machine; their rights are those of its files."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = str(os.getuid())
    return Actor(f"{LOCAL}{name}", name)


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            Text("the folder {path} cannot be made: {why}", path=str(folder), why=why(error))
        ) from error


def _accounts(smtp: Smtp) -> Accounts:
    return Accounts(_common_account(smtp), fold(smtp.redirect_to) or None, fold(smtp.sender) or None)


def _common_account(smtp: Smtp) -> SmtpAccount:
    security = Security(smtp.security)
    return SmtpAccount(
        host=smtp.host,
        port=smtp.port or smtp_port(security),
        security=security,
        username=smtp.username,
        password=smtp.password.get_secret_value(),
        max_per_hour=smtp.max_per_hour,
        max_per_day=smtp.max_per_day,
        max_recipients=smtp.max_recipients,
        connections=smtp.connections,
        pipelining=smtp.pipelining,
    )
