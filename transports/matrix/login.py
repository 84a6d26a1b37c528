"""Who the bot is at the homeserver: one login, kept sealed; a new device where its keys are lost.

The keys of encrypted rooms belong to a device: with another store the same device can neither read
nor be read (its identity keys are published once). So a login whose store is gone is given up.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from nio import AsyncClient, AsyncClientConfig
from nio.exceptions import EncryptionError

from bot.core.errors import PermanentError, ServerTrouble, Trouble, UserError
from bot.core.stores import NoteStore
from bot.core.text import Text
from transports.matrix.troubles import LIBRARY_ERRORS, LoggedOut, Unreachable, broken, succeeded

OWNER = "matrix"
_NOTE = "login"
DEVICE_NAME = "facteur"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """What ``[matrix]`` says; one of `password` and `access_token` is enough."""

    homeserver: str
    user_id: str
    password: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """A device of ours; `passphrase` encrypts its key store."""

    homeserver: str
    user_id: str
    device_id: str
    access_token: str = field(repr=False)
    passphrase: str = field(repr=False)


class Logins:
    """Finds the login of this installation, or makes one."""

    def __init__(self, account: Account, notes: NoteStore, folder: Path) -> None:
        self._account = account
        self._notes = notes
        self._folder = folder

    async def kept(self) -> Login | None:
        """The one that was used last, if it is of this account."""
        note = await self._notes.recall(OWNER, _NOTE)
        login = Login(**json.loads(note)) if note else None
        account = self._account
        same = login and (login.homeserver, login.user_id) == (account.homeserver, account.user_id)
        return login if same else None

    async def get(self, now: datetime) -> Login:
        """The kept one if its key store is there, else a new one, which is kept.

        Raises:
            UserError: neither password nor another access token is given.
            ServerTrouble: the homeserver cannot be used, or refuses the login.
        """
        login = await self.kept()
        if login and self._has_store(login):
            return login
        if login:
            _log.warning(
                "the keys of encrypted rooms are lost, logging in as a new device", device=login.device_id
            )
            await self._log_out(login)
        return await self._made(now, lost=login)

    async def forget(self, now: datetime) -> None:
        """The homeserver knows the login no more: the next `get` makes another."""
        await self._notes.keep(OWNER, {_NOTE: ""}, now)

    def _has_store(self, login: Login) -> bool:
        """Whether the key store is there and opens with the login's passphrase."""
        if not (self._folder / f"{login.user_id}_{login.device_id}.db").exists():
            return False
        try:
            client = self._client(login.passphrase)
            client.restore_login(login.user_id, login.device_id, login.access_token)
        except EncryptionError:
            return False
        if client.store:
            client.store.database.close()
        return True

    async def _made(self, now: datetime, lost: Login | None) -> Login:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        client = self._client(secrets.token_urlsafe(32))
        account = self._account
        try:
            if account.access_token and (not lost or lost.access_token != account.access_token):
                await self._adopt(client)
            elif account.password:
                await self._log_in(client)
            else:
                raise UserError(
                    Text(
                        "The bot needs a new login at {host}: give [matrix] password_file, or another "
                        "access_token.",
                        host=account.homeserver,
                    )
                )
            login = Login(
                account.homeserver,
                client.user_id,
                client.device_id,
                client.access_token,
                client.config.pickle_key,
            )
        except LIBRARY_ERRORS as error:
            raise broken(error, account.homeserver) from error
        finally:
            await client.close()
            if client.store:
                client.store.database.close()
        self._close_to_others()
        await self._notes.keep(OWNER, {_NOTE: json.dumps(asdict(login))}, now)
        return login

    async def _log_in(self, client: AsyncClient) -> None:
        try:
            succeeded(await client.login(self._account.password, DEVICE_NAME))
        except Unreachable:
            raise ServerTrouble(
                Trouble.LOGIN,
                Text(
                    "The Matrix server {host} refuses the password of {user}: check [matrix] user_id and "
                    "password_file.",
                    host=self._account.homeserver,
                    user=self._account.user_id,
                ),
            ) from None

    async def _adopt(self, client: AsyncClient) -> None:
        """Use the device that a configured access token belongs to."""
        client.access_token = self._account.access_token
        try:
            found = succeeded(await client.whoami())
        except LoggedOut:
            raise ServerTrouble(
                Trouble.LOGIN,
                Text(
                    "The Matrix server {host} does not know the access token.", host=self._account.homeserver
                ),
            ) from None
        if found.user_id != self._account.user_id or not found.device_id:
            raise PermanentError(
                Text(
                    "The access token belongs to {found}, not to {user}: check [matrix].",
                    found=found.user_id,
                    user=self._account.user_id,
                )
            )
        client.restore_login(found.user_id, found.device_id, self._account.access_token)

    async def _log_out(self, login: Login) -> None:
        """So that nobody's application keeps encrypting for a device that cannot read."""
        client = self._client(login.passphrase, encrypted=False)
        client.access_token = login.access_token
        try:
            await client.logout()
        except LIBRARY_ERRORS:
            pass  # it may be logged out already
        finally:
            await client.close()

    def _client(self, passphrase: str, *, encrypted: bool = True) -> AsyncClient:
        config = AsyncClientConfig(
            max_limit_exceeded=0, max_timeouts=0, pickle_key=passphrase, encryption_enabled=encrypted
        )
        folder = str(self._folder) if encrypted else ""
        return AsyncClient(self._account.homeserver, self._account.user_id, store_path=folder, config=config)

    def _close_to_others(self) -> None:
        for file in self._folder.iterdir():
            file.chmod(0o600)
