"""The server for playing by hand: ``python -m tests.support.bot_api [PORT]``.

Prints what is to be seen whenever anything changes; a line typed is what Anne says in the group, ``> LABEL``
is a tap on the newest message of the bot.
"""

from __future__ import annotations

import asyncio
import sys

from tests.support.bot_api import BotApi, Chat, Person


async def main() -> None:
    """Serve until the end of standard input."""
    api = BotApi()
    api.port = int(sys.argv[1]) if sys.argv[1:] else 0
    anne = api.person("Anne")
    async with api.listening():
        room = api.group("Modération", anne)
        print(f"token {api.token}\nbase_url {api.url}")  # noqa: T201
        watching = asyncio.create_task(_print(api))
        while words := await asyncio.to_thread(sys.stdin.readline):
            await _does(anne, room, words.strip())
        watching.cancel()


async def _does(anne: Person, room: Chat, words: str) -> None:
    try:
        if words.startswith(">"):
            answer = await anne.taps(room.from_bot[-1], words.removeprefix(">").strip())
            print(f"[{answer.text}]")  # noqa: T201
        elif words:
            await anne.says(room, words)
    except (AssertionError, IndexError) as error:
        print(error)  # noqa: T201


async def _print(api: BotApi) -> None:
    shown = ""
    while True:
        picture = "\n".join(chat.picture() for chat in api.chats.values())
        if picture != shown:
            print(picture)  # noqa: T201
        shown = picture
        await api.next_change()


asyncio.run(main())
