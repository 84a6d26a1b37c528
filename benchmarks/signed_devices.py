"""Does an application that excludes devices not signed by their owner talk to the bot? Not a matter of speed.

    python -m benchmarks.signed_devices

Needs node 20 and npm, which fetch matrix-js-sdk (the library of Element) into ``~/.cache/facteur`` once. Its
client, set to exclude such devices, and the bot are in an encrypted room with a third device that nobody has
signed. Exits 1 unless the bot's answer is read there and the third one's words are not.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from bot.core.chat import Answer, Screen, line
from storage.database import open_stores
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.matrix_bot import Bot
from tests.support.matrix_people import logged_in
from tests.support.synapse import Synapse, running_synapse

LIBRARY = "matrix-js-sdk@37.5.0"
CACHE = Path.home() / ".cache" / "facteur" / LIBRARY
CLIENT = Path(__file__).with_name("signed_devices_only.mjs")
PATIENCE_S = 60.0


def install() -> None:
    """The library of the other side, once."""
    if not (CACHE / "node_modules").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", CACHE, LIBRARY], check=True)


async def heard(synapse: Synapse, folder: Path) -> list[dict[str, Any]]:
    """What the strict client makes of the bot's answer, and of what an unsigned device says."""
    for name in ("anne", "data"):
        (folder / name).mkdir()
    box = FernetBox(Fernet.generate_key().decode(), "here")
    async with open_stores(folder / "data" / "facteur.db", box) as stores:
        unsigned, strict = await synapse.add_user("anne"), await synapse.add_user("strict")
        account = await synapse.add_user("facteur")
        bot = Bot(synapse, account, stores, folder / "data", ManualClock(datetime.now(UTC)))
        bot.admins.add(f"matrix:{unsigned.id}")
        bot.listener.answers["!hello"] = Answer(screens=(Screen((line("good day"),)),))
        async with logged_in(synapse, unsigned, folder / "anne") as anne, bot.running():
            room_id = await anne.room(account, strict, encrypted=True)
            await anne.joined(room_id, account)
            words = (CLIENT, synapse.url, strict.id, strict.password, room_id, "!hello")
            client = await asyncio.create_subprocess_exec("node", *map(str, words), cwd=CACHE, stdout=PIPE)
            try:
                answered = await _next(client, account.id)
                await anne.say(room_id, "from a device that nobody has signed")
                return [answered, await _next(client, unsigned.id)]
            finally:
                client.terminate()
                await client.wait()


async def _next(client: asyncio.subprocess.Process, sender: str) -> dict[str, Any]:
    """The next thing that it makes of somebody's words."""
    assert client.stdout
    async with asyncio.timeout(PATIENCE_S):
        while raw := await client.stdout.readline():
            said: dict[str, Any] = json.loads(raw) if raw.startswith(b'{"sender"') else {}
            if said.get("sender") == sender:
                return said
    raise AssertionError("the client ended")


def main() -> int:
    """Print and judge."""
    install()
    with running_synapse() as synapse, tempfile.TemporaryDirectory() as folder:
        answered, unsigned = asyncio.run(heard(synapse, Path(folder)))
    print(f"bot       {'not read' if answered['failed'] else answered['body']}")
    print(f"unsigned  {'not read' if unsigned['failed'] else unsigned['body']}")
    return int(answered["failed"] or answered["body"] != "good day" or not unsigned["failed"])


if __name__ == "__main__":
    sys.exit(main())
