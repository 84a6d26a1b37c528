"""The calls of the client-server API that facteur makes; troubles come out as errors of the core."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nio import AsyncClientConfig
from nio.api import MessageDirection
from nio.crypto.attachments import decrypt_attachment
from nio.events import Event, MegolmEvent
from nio.exceptions import OlmTrustError
from nio.responses import SyncResponse

from bot.core.chat import File
from bot.core.errors import Busy
from transports.matrix.budget import Budget, Urgency
from transports.matrix.client import Client
from transports.matrix.login import Login
from transports.matrix.troubles import LIBRARY_ERRORS, broken, refusal, succeeded

_UPLOAD_S = 300.0
_ANSWER_S = 120.0
"""How long an answer that somebody waits for is held back by the server's limit before it is given up."""
_FILTER = {
    "presence": {"types": []},
    "account_data": {"types": ["org.facteur.alive"]},
    "room": {"timeline": {"limit": 50}, "ephemeral": {"types": []}, "account_data": {"types": []}},
}
ALIVE = "org.facteur.alive"


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds are waited for what.

    Attributes:
        request_s: for the homeserver's answer.
        long_poll_s: for news, by the homeserver.
        silence_s: without any news before a marker of our own is written, which must come back.
        key_s: for the key of an encrypted message, before its writer is asked to send it again.
    """

    request_s: float = 30.0
    long_poll_s: float = 30.0
    silence_s: float = 300.0
    key_s: float = 20.0


class Api:
    """One login at a homeserver.

    Args:
        homeserver: its base URL.
        login: who we are there.
        folder: where the keys of encrypted rooms are kept, sealed with the login's passphrase.
        verified_only: what to call before keys go to devices not judged yet; None = keys for all.
        patience: how long an answer may take.
    """

    def __init__(
        self,
        homeserver: str,
        login: Login,
        folder: Path,
        verified_only: Callable[[Api], Awaitable[None]] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.patience = patience or Patience()
        config = AsyncClientConfig(
            max_limit_exceeded=0,
            max_timeouts=0,
            request_timeout=self.patience.request_s,
            pickle_key=login.passphrase,
            store_sync_tokens=False,
        )
        self.homeserver = homeserver
        self.login = login
        self.client = Client(homeserver, login.user_id, login.device_id, str(folder), config)
        self.client.restore_login(login.user_id, login.device_id, login.access_token)
        self.budget = Budget()
        self._verified_only = verified_only

    async def close(self) -> None:
        """Let the connections go, and the files of the key store."""
        await self.client.close()
        store = self.client.store
        if store is not None:
            store.database.close()

    async def sync(self, since: str, *, full: bool = False) -> SyncResponse:
        """What happened since; everything in memory follows it.

        If that is nothing, the homeserver waits for news; `full`: it tells at once, of every room.
        """
        # Synapse answers the same request from a cache for two minutes, one with another timeout anew
        different_s = (1 + secrets.randbelow(1000)) / 1000
        timeout_s = different_s if full else self.patience.long_poll_s
        return await self._call(
            lambda: self.client.sync(
                timeout=int(timeout_s * 1000),
                sync_filter=_FILTER,
                since=since or None,
                full_state=full or None,
            ),
            timeout_s + self.patience.request_s,
        )

    async def maintain(self) -> None:
        """What encryption needs after each sync: keys uploaded, asked for, claimed, and passed on."""
        client = self.client
        for answer in await self._guarded(client.send_to_device_messages()):
            succeeded(answer)
        if client.should_upload_keys:
            await self._call(client.keys_upload)
        if client.should_query_keys:
            await self._call(client.keys_query)
        if client.should_claim_keys:
            await self._call(lambda: client.keys_claim(client.get_users_for_key_claiming()))

    async def send(
        self, room_id: str, kind: str, content: Mapping[str, Any], key: str, urgency: Urgency
    ) -> str:
        """Send an event, encrypted where the room is; its id.

        The same `key` in the same login never makes a second event. An answer waits while the server
        asks to; anything else raises Busy.
        """

        async def attempt() -> Any:  # noqa: ANN401 - RoomSendResponse or an error, as nio has it
            return await self.client.room_send(
                room_id, kind, dict(content), key, ignore_unverified_devices=self._verified_only is None
            )

        async def once() -> str:
            try:
                sent = await self._call(attempt)
            except OlmTrustError:
                assert self._verified_only
                await self._verified_only(self)
                sent = await self._call(attempt)
            return str(sent.event_id)

        return str(await self._paced(once, urgency))

    async def redact(self, room_id: str, event_id: str, urgency: Urgency) -> None:
        """Take an event away, ours or (with the right to) another's."""

        async def once() -> str:
            return str((await self._call(lambda: self.client.room_redact(room_id, event_id))).event_id)

        await self._paced(once, urgency)

    async def upload(self, room_id: str, file: File) -> dict[str, Any]:
        """The content of an ``m.file`` message that hands out the file, encrypted where the room is."""
        room = self.client.rooms.get(room_id)
        encrypted = bool(room and room.encrypted)

        async def once() -> tuple[Any, dict[str, Any] | None]:
            answer, keys = await self._guarded(
                self.client.upload(
                    io.BytesIO(file.content),
                    content_type=file.content_type,
                    filename=None if encrypted else file.name,
                    encrypt=encrypted,
                    filesize=len(file.content),
                ),
                _UPLOAD_S,
            )
            return succeeded(answer), keys

        stored, keys = await self._paced(once, Urgency.ANSWER)
        info = {"mimetype": file.content_type, "size": len(file.content)}
        content = {
            "msgtype": "m.file",
            "body": file.name,
            "filename": file.name,
            "info": info,
            "m.mentions": {},
        }
        if keys:
            return {**content, "file": {**keys, "url": stored.content_uri}}
        return {**content, "url": stored.content_uri}

    async def download(self, content: Mapping[str, Any]) -> bytes:
        """The file that an ``m.file`` message hands out, decrypted."""
        keys = content.get("file") or {}
        found = await self._call(
            lambda: self.client.download(mxc=keys.get("url") or content.get("url")), _UPLOAD_S
        )
        raw: bytes = found.body
        if not keys:
            return raw
        try:
            return bytes(decrypt_attachment(raw, keys["key"]["k"], keys["hashes"]["sha256"], keys["iv"]))
        except LIBRARY_ERRORS as error:
            raise broken(error, self.homeserver) from error

    async def event(self, room_id: str, event_id: str) -> Event:
        """One event, decrypted where its keys are known."""
        found = await self._call(lambda: self.client.room_get_event(room_id, event_id))
        event: Event = found.event
        if not isinstance(event, MegolmEvent):
            return event
        try:
            return self.client.decrypt_event(event)
        except LIBRARY_ERRORS as error:
            raise broken(error, self.homeserver) from error

    async def earlier(self, room_id: str, start: str, end: str) -> tuple[list[Event], str]:
        """A hundred events before `start`, newest first, back to `end`; and where to go on, if anywhere."""
        found = await self._call(
            lambda: self.client.room_messages(room_id, start, end, MessageDirection.back, limit=100)
        )
        return list(found.chunk), found.end or ""

    async def state(self, room_id: str) -> list[dict[str, Any]]:
        """The state of a room, as events: as it is, or as it was when the bot left."""
        found: Any = await self.request("GET", f"/_matrix/client/v3/rooms/{quote(room_id)}/state")
        return list(found)

    async def join(self, room_id: str, by_way_of: str = "") -> None:
        """Accept an invitation, or follow a room to its successor `by_way_of` a server that is in it."""
        query = f"?server_name={quote(by_way_of)}" if by_way_of else ""
        await self.request("POST", f"/_matrix/client/v3/join/{quote(room_id)}{query}", {})

    async def own_reaction(self, room_id: str, event_id: str, emoji: str) -> str:
        """The id of our reaction to an event; empty if there is none."""
        path = (
            f"/_matrix/client/v1/rooms/{quote(room_id)}/relations/{quote(event_id)}/m.annotation/m.reaction"
        )
        for event in (await self.request("GET", path)).get("chunk", []):
            relation = event.get("content", {}).get("m.relates_to", {})
            if event.get("sender") == self.login.user_id and relation.get("key") == emoji:
                return str(event["event_id"])
        return ""

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A call that matrix-nio does not know: its JSON answer."""
        headers = {
            "Authorization": f"Bearer {self.login.access_token}",
            "Content-Type": "application/json",
        }
        data = None if body is None else json.dumps(body)

        async def call() -> tuple[int, dict[str, Any]]:
            response = await self.client.send(method, path, data, headers)
            return response.status, await self.client.parse_body(response)

        answered: tuple[int, dict[str, Any]] = await self._guarded(call())
        status, answer = answered
        if status >= 300:
            code, words = str(answer.get("errcode", "")), str(answer.get("error", status))
            if status == 401 and "flows" in answer:  # a question back, for whoever asked to answer
                return answer
            raise refusal(code, words, status, answer.get("retry_after_ms"))
        return answer

    async def _call(self, call: Callable[[], Awaitable[Any]], limit_s: float = 0) -> Any:  # noqa: ANN401
        return succeeded(await self._guarded(call(), limit_s))

    async def _guarded(self, call: Awaitable[Any], limit_s: float = 0) -> Any:  # noqa: ANN401 - as given
        try:
            async with asyncio.timeout(limit_s or self.patience.request_s):
                return await call
        except OlmTrustError:
            raise
        except LIBRARY_ERRORS as error:
            raise broken(error, self.homeserver) from error

    async def _paced(self, call: Callable[[], Awaitable[Any]], urgency: Urgency) -> Any:  # noqa: ANN401
        """Send within the budget."""
        patience = asyncio.get_running_loop().time() + _ANSWER_S
        while True:
            try:
                return await self._in_turn(call, urgency)
            except Busy as busy:
                wait = busy.delay.total_seconds()
                if urgency is not Urgency.ANSWER or asyncio.get_running_loop().time() + wait > patience:
                    raise
                await asyncio.sleep(wait)

    async def _in_turn(self, call: Callable[[], Awaitable[Any]], urgency: Urgency) -> Any:  # noqa: ANN401
        if wait := self.budget.wait(urgency):
            raise refusal("M_LIMIT_EXCEEDED", "", 429, int(wait * 1000) + 1)
        try:
            result = await call()
        except Busy as busy:
            self.budget.shut(urgency, busy.delay.total_seconds())
            raise
        self.budget.sent(urgency)
        return result


def date_of(response: SyncResponse) -> int:
    """When the homeserver answered, by its own clock, in milliseconds: the last of the second that it names.

    Ours may be wrong: small machines have none that runs while they are off.
    """
    named = response.transport_response.headers.get("Date")
    return int((parsedate_to_datetime(named).timestamp() if named else time.time()) + 1) * 1000 - 1
