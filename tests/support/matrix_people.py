"""People on Matrix as their applications let them act: clients of the library with keys of their own."""

from __future__ import annotations

import asyncio
import io
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nio import AsyncClient, AsyncClientConfig
from nio.crypto.attachments import decrypt_attachment
from nio.events import Event, ReactionEvent, RedactionEvent, RoomMessage
from nio.responses import ErrorResponse

from tests.support.patience import WAIT_S
from tests.support.synapse import MatrixUser, Synapse

ENCRYPTED = pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
"""On a test of what must be the same in both kinds of room."""


_ALL_OF_IT = {"room": {"timeline": {"limit": 1000}}}
"""Without it a flood leaves a gap after ten events."""


def fine(answer: Any) -> Any:
    """The answer of a request that must succeed."""
    assert not isinstance(answer, ErrorResponse), answer
    return answer


class Member:
    """Somebody in rooms; hears everything that happens there, decrypted."""

    def __init__(self, user: MatrixUser, client: AsyncClient) -> None:
        self.user = user
        self.client = client
        self.heard: list[tuple[str, Event]] = []
        self._changed = asyncio.Condition()

    async def listen(self) -> None:
        """Follow the rooms until cancelled."""
        while True:
            answer = fine(await self.client.sync(timeout=10_000, sync_filter=_ALL_OF_IT))
            await self.client.send_to_device_messages()
            for needed, call in (
                (self.client.should_upload_keys, self.client.keys_upload),
                (self.client.should_query_keys, self.client.keys_query),
            ):
                if needed:
                    fine(await call())
            if self.client.should_claim_keys:
                fine(await self.client.keys_claim(self.client.get_users_for_key_claiming()))
            async with self._changed:
                for room_id, info in answer.rooms.join.items():
                    self.heard += [(room_id, event) for event in info.timeline.events]
                self._changed.notify_all()

    async def until(self, holds: Callable[[], Any], limit_s: float = WAIT_S) -> Any:
        """Wait until something heard makes it true; what it gives."""
        try:
            async with asyncio.timeout(limit_s), self._changed:
                await self._changed.wait_for(holds)
        except TimeoutError:
            raise AssertionError(
                f"never came: {[str(event)[:300] for _, event in self.heard[-12:]]}"
            ) from None
        return holds()

    async def room(self, *invited: MatrixUser, encrypted: bool = False, name: str = "moderation") -> str:
        """A new private room."""
        state: list[dict[str, Any]] = []
        if encrypted:
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            state = [{"type": "m.room.encryption", "state_key": "", "content": content}]
        made = fine(
            await self.client.room_create(
                name=name, invite=[user.id for user in invited], initial_state=state
            )
        )
        room_id = str(made.room_id)
        await self.until(lambda: room_id in self.client.rooms)
        return room_id

    async def joined(self, room_id: str, user: MatrixUser) -> None:
        """Wait until somebody has come in."""

        def there() -> bool:
            room = self.client.rooms.get(room_id)
            return bool(room and user.id in room.users and not room.users[user.id].invited)

        await self.until(there)

    async def knows(self, user: MatrixUser, device_id: str) -> None:
        """Wait until this application has the keys of somebody's device."""
        await self.until(lambda: device_id in self.client.device_store[user.id])

    async def say(self, room_id: str, words: str, **content: Any) -> str:
        return await self.send(room_id, {"msgtype": "m.text", "body": words, **content})

    async def send(self, room_id: str, content: dict[str, Any], kind: str = "m.room.message") -> str:
        sent = fine(await self.client.room_send(room_id, kind, content, ignore_unverified_devices=True))
        return str(sent.event_id)

    async def encrypted(self, room_id: str, plain: str) -> None:
        """Send what is no event, encrypted as one; something must have been said there before."""
        olm = self.client.olm
        session = olm.outbound_group_sessions[room_id]
        content = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "sender_key": olm.account.identity_keys["curve25519"],
            "ciphertext": session.encrypt(plain),
            "session_id": session.id,
            "device_id": self.client.device_id,
        }
        path = f"/_matrix/client/v3/rooms/{room_id}/send/m.room.encrypted/{secrets.token_hex()}"
        headers = {"Authorization": f"Bearer {self.client.access_token}"}
        answer = await self.client.send("PUT", path, json.dumps(content), headers)
        assert answer.status == 200, await answer.text()

    async def react(self, room_id: str, event_id: str, emoji: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
        return await self.send(room_id, {"m.relates_to": relation}, "m.reaction")

    async def redact(self, room_id: str, event_id: str) -> None:
        fine(await self.client.room_redact(room_id, event_id))

    async def message(self, words: str, *, by: str | None = None, number: int = 1) -> RoomMessage:
        """The `number`th message with these words, as it was posted first."""

        def found() -> RoomMessage | None:
            messages = [each for each in self.messages(by) if words in each.body and not _replaces(each)]
            return messages[number - 1] if len(messages) >= number else None

        return await self.until(found)

    async def edited(self, event_id: str, words: str) -> RoomMessage:
        """The edit of a message that brought these words into it."""

        def found() -> RoomMessage | None:
            edits = [each for each in self.messages() if _replaces(each) == event_id and words in each.body]
            return edits[-1] if edits else None

        return await self.until(found)

    def messages(self, by: str | None = None) -> list[RoomMessage]:
        """Every message heard, edits too."""
        all_of_them = [event for _, event in self.heard if isinstance(event, RoomMessage)]
        return [event for event in all_of_them if by in {None, event.sender}]

    def reactions(self, event_id: str, by: str) -> list[str]:
        """The emoji that somebody has put on a message and not taken away, in order."""
        gone = {event.redacts for _, event in self.heard if isinstance(event, RedactionEvent)}
        return [
            event.key
            for _, event in self.heard
            if isinstance(event, ReactionEvent)
            and event.reacts_to == event_id
            and event.sender == by
            and event.event_id not in gone
        ]

    async def reacted(self, event_id: str, by: str, *emoji: str) -> None:
        """Wait until exactly these are there."""
        await self.until(lambda: sorted(self.reactions(event_id, by)) == sorted(emoji))

    async def file(self, content: dict[str, Any]) -> bytes:
        """What an ``m.file`` message hands out."""
        keys = content.get("file")
        raw = fine(await self.client.download(mxc=keys["url"] if keys else content["url"])).body
        if not keys:
            return bytes(raw)
        return bytes(decrypt_attachment(raw, keys["key"]["k"], keys["hashes"]["sha256"], keys["iv"]))

    async def upload(self, room_id: str, name: str, raw: bytes, caption: str = "") -> str:
        """Send a file, with words below it."""
        encrypted = self.client.rooms[room_id].encrypted
        stored, keys = await self.client.upload(
            io.BytesIO(raw), "text/csv", name, encrypt=encrypted, filesize=len(raw)
        )
        where = {"file": {**keys, "url": stored.content_uri}} if keys else {"url": stored.content_uri}
        info = {"mimetype": "text/csv", "size": len(raw)}
        return await self.send(
            room_id, {"msgtype": "m.file", "body": caption or name, "filename": name, "info": info, **where}
        )


def relation_of(event: Event) -> dict[str, Any]:
    """``m.relates_to`` of a message."""
    found: dict[str, Any] = event.source["content"].get("m.relates_to") or {}
    return found


def _replaces(event: Event) -> str:
    relation = relation_of(event)
    return str(relation["event_id"]) if relation.get("rel_type") == "m.replace" else ""


@asynccontextmanager
async def logged_in(synapse: Synapse, user: MatrixUser, folder: Path) -> AsyncIterator[Member]:
    """A new device of somebody's, listening."""
    config = AsyncClientConfig(store_sync_tokens=False, max_timeouts=0)
    client = AsyncClient(synapse.url, user.id, store_path=str(folder), config=config)
    fine(await client.login(user.password))
    member = Member(user, client)
    fine(await client.sync(full_state=True))
    fine(await client.keys_upload())
    listening = asyncio.create_task(member.listen())
    try:
        yield member
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await client.close()
        if client.store:
            client.store.database.close()


MakeMember = Callable[..., Awaitable[Member]]


@pytest.fixture
async def member(synapse: Synapse, tmp_path: Path) -> AsyncIterator[MakeMember]:
    """Makes people: ``await member("anne")``."""
    async with AsyncExitStack() as stack:
        count = 0

        async def make(name: str = "anne", *, server: Synapse = synapse) -> Member:
            nonlocal count
            count += 1
            (tmp_path / f"member{count}").mkdir()
            account = await server.add_user(name)
            return await stack.enter_async_context(logged_in(server, account, tmp_path / f"member{count}"))

        yield make


def posts_shown(reader: Member, bot_id: str) -> set[int]:
    """The numbers of the posts that are a card of the bot, or a line on some page of one."""
    found: set[int] = set()
    for event in reader.messages(bot_id):
        numbers = [int(number) for number in re.findall(r"#(\d+)", event.body)]
        if wave := re.search(r"(\d+) held posts", event.body):
            found |= set(range(min(numbers), min(numbers) + int(wave[1])))
        elif re.match(r"(\* )?#\d", event.body):
            found.add(numbers[0])
    return found
