"""Cross-signing: the bot signs its own device, and knows which devices their owners have signed.

matrix-nio has none of it, and clients begin to exclude devices that are not signed. Keys and
signatures are Ed25519 over canonical JSON (client-server API, "Cross-signing", "Signing JSON").
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nio.api import Api as Wire

from bot.core.errors import PermanentError
from bot.core.stores import NoteStore
from bot.core.text import Text
from transports.matrix.api import Api
from transports.matrix.login import OWNER

_NOTE = "signing"
_USAGES = ("master", "self_signing", "user_signing")
_QUERY = "/_matrix/client/v3/keys/query"
_UPLOAD = "/_matrix/client/v3/keys/device_signing/upload"
_SIGN = "/_matrix/client/v3/keys/signatures/upload"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Signers:
    """Our private keys by usage."""

    keys: Mapping[str, Ed25519PrivateKey] = field(repr=False)

    @classmethod
    def new(cls) -> Signers:
        return cls({usage: Ed25519PrivateKey.generate() for usage in _USAGES})

    @classmethod
    def load(cls, stored: str) -> Signers:
        raw = json.loads(stored)
        return cls({name: Ed25519PrivateKey.from_private_bytes(_bytes(raw[name])) for name in _USAGES})

    def dump(self) -> str:
        return json.dumps({name: _text(key.private_bytes_raw()) for name, key in self.keys.items()})

    def public(self, usage: str) -> str:
        return _text(self.keys[usage].public_key().public_bytes_raw())

    def published(self, user_id: str) -> dict[str, Any]:
        """The keys as they are uploaded: the two others signed by the master key."""
        made = {}
        for usage in _USAGES:
            public = self.public(usage)
            key = {"user_id": user_id, "usage": [usage], "keys": {f"ed25519:{public}": public}}
            made[f"{usage}_key"] = key if usage == "master" else self.sign(key, user_id, "master")
        return made

    def sign(self, signed: Mapping[str, Any], user_id: str, usage: str) -> dict[str, Any]:
        """The object with our signature beside those that it has."""
        signatures = {user: dict(each) for user, each in signed.get("signatures", {}).items()}
        signature = _text(self.keys[usage].sign(_canonical(signed)))
        signatures.setdefault(user_id, {})[f"ed25519:{self.public(usage)}"] = signature
        return {**signed, "signatures": signatures}


def is_signed(answer: Mapping[str, Any], user_id: str, device_id: str) -> bool:
    """Whether a keys query shows the device signed by the self-signing key, and that by the master key."""
    master = answer.get("master_keys", {}).get(user_id)
    own = answer.get("self_signing_keys", {}).get(user_id)
    device = answer.get("device_keys", {}).get(user_id, {}).get(device_id)
    return bool(
        master and own and device and _verifies(own, user_id, master) and _verifies(device, user_id, own)
    )


async def sign_own_device(api: Api, notes: NoteStore, password: str, now: datetime) -> None:
    """Have the homeserver show our device as signed by its owner.

    Raises PermanentError where the account has signing keys of another program and the password to
    replace them is not known.
    """
    user_id, device_id = api.login.user_id, api.login.device_id
    answer = await keys_of(api, user_id)
    if is_signed(answer, user_id, device_id):
        return
    stored = await notes.recall(OWNER, _NOTE)
    signers = Signers.load(stored) if stored else Signers.new()
    if not stored:  # before anything is published: the second upload would need the password
        await notes.keep(OWNER, {_NOTE: signers.dump()}, now)
    if _key(answer.get("master_keys", {}).get(user_id)) != signers.public("master"):
        await _publish(api, signers, password)
    device = dict(answer.get("device_keys", {}).get(user_id, {}).get(device_id) or {})
    if not device:
        raise PermanentError(Text("The Matrix server does not know the keys of the bot's own device."))
    device.pop("unsigned", None)
    body = {user_id: {device_id: signers.sign({**device, "signatures": {}}, user_id, "self_signing")}}
    failures = (await api.request("POST", _SIGN, body)).get("failures")
    if failures:
        raise PermanentError(Text("The Matrix server did not take the signature of the bot's device."))
    _log.info("own device signed", device=device_id)


async def keys_of(api: Api, *user_ids: str) -> dict[str, Any]:
    """What the homeserver shows of these users' keys."""
    return await api.request("POST", _QUERY, {"device_keys": {user_id: [] for user_id in user_ids}})


async def judge_devices(api: Api) -> None:
    """Trust the devices that their owners have signed, and give the others no keys."""
    client = api.client
    others = {user for room in client.rooms.values() if room.encrypted for user in room.users}
    if client.should_query_keys:
        await api.maintain()
    answer = await keys_of(api, *others)
    for device in client.device_store:
        if is_signed(answer, device.user_id, device.id):
            client.verify_device(device)
        else:
            client.blacklist_device(device)


async def _publish(api: Api, signers: Signers, password: str) -> None:
    """Upload the public keys; where there were others before, the homeserver asks for the password."""
    keys = signers.published(api.login.user_id)
    answer = await api.request("POST", _UPLOAD, keys)
    if "flows" not in answer:
        return
    by_password = any(flow.get("stages") == ["m.login.password"] for flow in answer["flows"])
    if not (password and by_password):
        raise PermanentError(
            Text(
                "The bot's device is not verified, and verifying it takes its password: give [matrix] "
                "password_file, or verify it in an application that is logged in as {user}.",
                user=api.login.user_id,
            )
        )
    proof = {
        "type": "m.login.password",
        "session": answer.get("session"),
        "identifier": {"type": "m.id.user", "user": api.login.user_id},
        "password": password,
    }
    if "flows" in await api.request("POST", _UPLOAD, {**keys, "auth": proof}):
        raise PermanentError(Text("The Matrix server refuses the bot's password for verifying its device."))


def _verifies(signed: Mapping[str, Any], user_id: str, by: Mapping[str, Any]) -> bool:
    public = _key(by)
    signature = signed.get("signatures", {}).get(user_id, {}).get(f"ed25519:{public}", "")
    try:
        Ed25519PublicKey.from_public_bytes(_bytes(public)).verify(_bytes(signature), _canonical(signed))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _key(published: Mapping[str, Any] | None) -> str:
    keys = list((published or {}).get("keys", {}).values())
    return str(keys[0]) if keys else ""


def _canonical(signed: Mapping[str, Any]) -> bytes:
    bare = {name: value for name, value in signed.items() if name not in {"signatures", "unsigned"}}
    return str(Wire.to_canonical_json(bare)).encode()


def _text(raw: bytes) -> str:
    # without padding: peers have been seen to drop key ids that have any
    return base64.b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
