"""Matrix on a real homeserver: logins and keys, devices and trust, rooms entered, left and moved."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nio.api import Api as Wire

from bot.core.chat import Answer, Screen, Utterance, line
from bot.core.errors import PermanentError, ServerTrouble, Trouble
from tests.support.matrix_bot import Bot, a_card, room_with
from tests.support.matrix_people import MakeMember, Member, fine
from tests.support.synapse import Synapse
from transports.matrix.membership import MUTED
from transports.matrix.room import Patience
from transports.matrix.signing import _bytes, is_signed


async def keys_seen_by(anne: Member, bot: Bot) -> dict[str, Any]:
    """What another user is shown of the bot's keys."""
    return await bot.synapse.request(
        "POST", "/_matrix/client/v3/keys/query", {"device_keys": {bot.user.id: []}}, anne.client.access_token
    )


def said(words: str) -> Callable[[Any], bool]:
    return lambda each: isinstance(each, Utterance) and each.text == words


async def test_others_see_the_bots_device_signed_by_its_owner(bot: Bot, anne: Member) -> None:
    """Checked without our own code: device by self-signing key, self-signing key by master key."""
    async with bot.running():
        pass
    seen = await keys_seen_by(anne, bot)

    [(device_id, device)] = seen["device_keys"][bot.user.id].items()
    master, own = seen["master_keys"][bot.user.id], seen["self_signing_keys"][bot.user.id]
    for signed, by in ((own, master), (device, own)):
        [(key_id, public)] = by["keys"].items()
        assert not key_id.endswith("=")
        bare = {name: value for name, value in signed.items() if name not in {"signatures", "unsigned"}}
        signature = signed["signatures"][bot.user.id][key_id]
        wire = Wire.to_canonical_json(bare).encode()
        Ed25519PublicKey.from_public_bytes(_bytes(public)).verify(_bytes(signature), wire)
    assert is_signed(seen, bot.user.id, device_id)


async def test_the_bot_logs_in_once(bot: Bot, anne: Member) -> None:
    for _ in range(3):
        async with bot.running():
            pass

    assert len((await keys_seen_by(anne, bot))["device_keys"][bot.user.id]) == 1
    folder = bot.folder / "matrix"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    raw = (bot.folder / "facteur.db").read_bytes()
    assert b"access_token" not in raw
    assert bot.user.password.encode() not in raw


async def test_with_its_keys_lost_the_bot_is_a_new_device_and_reads_again(bot: Bot, anne: Member) -> None:
    bot.listener.answers["!again"] = Answer(screens=(Screen((line("heard"),)),))
    async with bot.running():
        room_id = await room_with(bot, anne, encrypted=True)
    before = await keys_seen_by(anne, bot)
    shutil.rmtree(bot.folder / "matrix")

    async with bot.running():
        await anne.knows(bot.user, await bot.device())
        await anne.say(room_id, "!again")
        answer = await anne.message("heard", by=bot.user.id)
    after = await keys_seen_by(anne, bot)

    assert answer.decrypted
    [old], [new] = (list(each["device_keys"][bot.user.id]) for each in (before, after))
    assert old != new
    assert is_signed(after, bot.user.id, new)
    assert before["master_keys"] == after["master_keys"]


async def test_logged_out_by_somebody_the_bot_logs_in_again(bot: Bot, anne: Member, synapse: Synapse) -> None:
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        await synapse.request(
            "POST",
            f"/_synapse/admin/v1/reset_password/{bot.user.id}",
            {"new_password": bot.user.password, "logout_devices": True},
            synapse.admin_token,
        )
        await anne.say(room_id, "!hello")
        await bot.listener.until(said("!hello"))
        await matrix.post(room_id, a_card())
        await anne.message("#12 amap")


async def test_a_wrong_password_is_told_and_not_tried_again_soon(bot: Bot) -> None:
    bot.password = "wr0ng"
    with pytest.raises(ServerTrouble, match="refuses the password of") as refused:
        await bot.transport().check()

    assert refused.value.trouble is Trouble.LOGIN
    assert "wr0ng" not in str(refused.value)


async def test_a_check_proves_the_login_and_the_room(bot: Bot, anne: Member) -> None:
    transport = bot.transport()
    assert await transport.check() is None
    async with bot.running():
        room_id = await room_with(bot, anne)
        assert await transport.check(room_id) is None
        other = await anne.room()
        with pytest.raises(PermanentError, match="forbids it"):
            await transport.check(other)
        await anne.client.room_put_state(room_id, "m.room.power_levels", {"events_default": 50})
        with pytest.raises(PermanentError, match="may not write"):
            await transport.check(room_id)
        fine(await anne.client.room_kick(room_id, bot.user.id))
        with pytest.raises(PermanentError, match="is not in the Matrix room any more"):
            await transport.check(room_id)


async def test_what_cannot_be_decrypted_is_asked_for_once(bot: Bot, anne: Member) -> None:
    """The writer's application knew nothing of the bot's device: two messages of one key."""
    bot.patience = Patience(key_s=0.5)
    async with bot.running():
        room_id = await room_with(bot, anne, encrypted=True)
    shutil.rmtree(bot.folder / "matrix")
    await anne.say(room_id, "!first")
    await anne.say(room_id, "!second")
    async with bot.running():
        await anne.message("I cannot decrypt what", by=bot.user.id)
        await anne.knows(bot.user, await bot.device())
        anne.client.invalidate_outbound_session(room_id)
        await anne.say(room_id, "!third")
        await bot.listener.until(said("!third"))

    assert len([each for each in anne.messages(bot.user.id) if "cannot decrypt" in each.body]) == 1


async def test_what_is_encrypted_and_no_event_stops_nothing(bot: Bot, anne: Member) -> None:
    """In a room, and sent to the bot's device; neither now nor when it is read again."""
    ciphers: list[Any] = [{"type": 0, "body": "x"}, {"type": 1, "body": "!"}, {}, "x"]
    async with bot.running():
        room_id = await room_with(bot, anne, encrypted=True)
        device = await bot.device()
        await anne.knows(bot.user, device)
    key = anne.client.device_store[bot.user.id][device].curve25519
    for number, cipher in enumerate(ciphers):
        path = f"/_matrix/client/v3/sendToDevice/m.room.encrypted/{number}"
        olm = "m.olm.v1.curve25519-aes-sha2"
        content = {"algorithm": olm, "sender_key": key, "ciphertext": {key: cipher}}
        body = {"messages": {bot.user.id: {device: content}}}
        await bot.synapse.request("PUT", path, body, anne.client.access_token)
    await anne.say(room_id, "!before")
    for plain in ("[]", "1", "{}", "[" * 20_000, '{"type": "m.room.message", "content": {}}'):
        await anne.encrypted(room_id, plain)
    await anne.say(room_id, "!after")
    await bot.drains()
    await anne.say(room_id, "!again")
    await bot.drains()

    assert bot.listener.words == ["!before", "!after", "!again"]


async def test_with_trust_verified_only_signed_devices_get_keys(
    bot: Bot, anne: Member, member: MakeMember
) -> None:
    bot.verified_only = True
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne, encrypted=True)
        card = await matrix.post(room_id, a_card())
        await anne.until(lambda: any(event.event_id == card for _, event in anne.heard))

    [event] = [event for _, event in anne.heard if event.event_id == card]
    assert not event.decrypted


async def test_a_strangers_invitation_is_not_accepted(bot: Bot, anne: Member, member: MakeMember) -> None:
    stranger = await member("mallory")
    async with bot.running():
        refused = await stranger.room(bot.user)
        accepted = await room_with(bot, anne)
        await anne.say(accepted, "!last")
        await bot.listener.until(said("!last"))

    assert stranger.client.rooms[refused].users[bot.user.id].invited


async def test_removed_the_bot_says_so_and_comes_back_when_anybody_invites_it(bot: Bot, anne: Member) -> None:
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        fine(await anne.client.room_kick(room_id, bot.user.id))
        why = f"{anne.user.id} removed the bot from the Matrix room: invite it again."
        await bot.listener.until(lambda each: each == ("unreachable", room_id, why))
        with pytest.raises((PermanentError, ServerTrouble)):
            await matrix.post(room_id, a_card())
        bot.admins.clear()
        fine(await anne.client.room_invite(room_id, bot.user.id))
        await anne.joined(room_id, bot.user)
        await anne.say(room_id, "!back")
        await bot.listener.until(said("!back"))


async def test_missing_rights_are_told_and_their_return_too(bot: Bot, anne: Member) -> None:
    async with bot.running():
        room_id = await room_with(bot, anne)
        fine(await anne.client.room_put_state(room_id, "m.room.power_levels", {"events_default": 50}))
        await bot.listener.until(lambda each: each == ("unreachable", room_id, str(MUTED)))
        bot.listener.told.clear()
        named = {"events_default": 50, "users": {bot.user.id: 50}}
        fine(await anne.client.room_put_state(room_id, "m.room.power_levels", named))
        await bot.listener.until(lambda each: each == ("unreachable", room_id, None))
        fine(await anne.client.room_put_state(room_id, "m.room.power_levels", {"events_default": 50}))
        await bot.listener.until(lambda each: each == ("unreachable", room_id, str(MUTED)))


async def test_in_a_room_of_version_12_its_creators_may_write(bot: Bot, anne: Member) -> None:
    """No level is needed for that: they cannot even be given one."""
    async with bot.running() as matrix:
        content = {"additional_creators": [bot.user.id]}
        made = await bot.synapse.request(
            "POST",
            "/_matrix/client/v3/createRoom",
            {"room_version": "12", "creation_content": content, "invite": [bot.user.id]},
            anne.client.access_token,
        )
        room_id = made["room_id"]
        await anne.joined(room_id, bot.user)
        fine(await anne.client.room_put_state(room_id, "m.room.power_levels", {"events_default": 50}))
        await anne.say(room_id, "!hello")
        await bot.listener.until(said("!hello"))
        await matrix.post(room_id, a_card())
        await anne.message("#12 amap")
        assert await matrix.check(room_id) is None

    assert ("unreachable", room_id, str(MUTED)) not in bot.listener.told


async def test_an_upgraded_room_is_followed(bot: Bot, anne: Member) -> None:
    async with bot.running() as matrix:
        room_id = await room_with(bot, anne)
        path = f"/_matrix/client/v3/rooms/{room_id}/upgrade"
        token = anne.client.access_token
        answer = await bot.synapse.request("POST", path, {"new_version": "12"}, token)
        successor = answer["replacement_room"]
        fine(await anne.client.room_invite(successor, bot.user.id))
        await bot.listener.until(lambda each: each == ("moved", room_id, successor))
        await anne.joined(successor, bot.user)
        await anne.say(successor, "!here")
        await bot.listener.until(said("!here"))
        await matrix.post(successor, a_card())


async def test_the_homeserver_goes_away_and_comes_back(
    mortal_synapse: Synapse, bot: Bot, member: MakeMember
) -> None:
    """Nothing said before it went is handled twice, and what is said after is heard."""
    bot.synapse = mortal_synapse
    bot.user = await mortal_synapse.add_user("facteur")
    anne = await member("anne", server=mortal_synapse)
    bot.admins.add(f"matrix:{anne.user.id}")
    async with bot.running():
        room_id = await room_with(bot, anne)
        await anne.say(room_id, "!before")
        await bot.listener.until(said("!before"))
        await asyncio.to_thread(mortal_synapse.stop)
        await asyncio.to_thread(mortal_synapse.start)
        await anne.say(room_id, "!after")
        await bot.listener.until(said("!after"))

    assert bot.listener.words == ["!before", "!after"]
