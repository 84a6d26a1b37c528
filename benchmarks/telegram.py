"""How soon a mail is a card in Telegram, a tap an edited card, and a decision an RCPT.

    python -m benchmarks.telegram

The service in this process, on the demonstration's mail servers (IMAP with IDLE) and the tests' Bot API
server. Prints each median beside its limit; exits 1 if one is over it.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path

import structlog
from pydantic import SecretStr

from bot.app import PARTS, App, local_person, open_app
from bot.demo.mailbox import demo_mailbox
from bot.demo.posts import LIST
from bot.demo.relay import DemoRelay, demo_relay
from config.settings import Settings, Smtp, Telegram
from tests.support.bot_api import BotApi, Chat, Person

LIMITS = {"card_ms": 1_000.0, "tap_ms": 300.0, "rcpt_ms": 300.0}
ROUNDS = 8
UNDO_S = 1
MAIL = b"From: Paul <paul@example.net>\r\nSubject: Post %d\r\nMessage-ID: <%d@example.net>\r\n\r\nBonjour\r\n"


async def measured() -> dict[str, float]:
    """Every figure of `LIMITS`, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        async with demo_mailbox() as mailbox, demo_relay() as relay, BotApi().listening() as api:
            api.limits.on = False
            anne = api.person("Anne", 101)
            settings = Settings(
                language="en",
                data_dir=Path(folder),
                admins=["telegram:101"],
                smtp=Smtp(host=relay.host, port=relay.port, security="none"),
                telegram=Telegram(token=SecretStr(api.token), base_url=api.url),
            )
            async with open_app(settings) as app:
                await _do(
                    app,
                    f"/addlist {LIST} host={mailbox.host} port={mailbox.port} security=none moderation=all "
                    f"username={mailbox.username} password={mailbox.password} undo_s={UNDO_S}",
                )
                await _do(app, f"/addmember {LIST} anne@example.org")
                app.start(PARTS)
                group = api.group("Modération", anne)
                await anne.says(group, f"/bind {LIST}")
                await group.shows("decided in this room")
                rounds = []
                for number in range(ROUNDS):
                    await asyncio.sleep(0.5)  # until it idles again
                    began = time.monotonic()
                    await mailbox.deliver(MAIL % (number, number))
                    rounds.append(await _round(f"Post {number}", began, anne, group, relay))
    return {
        name: statistics.median(figures)
        for name, figures in zip(LIMITS, zip(*rounds, strict=True), strict=True)
    }


async def _round(
    subject: str, began: float, anne: Person, group: Chat, relay: DemoRelay
) -> tuple[float, float, float]:
    card = await group.shows(subject)
    posted = time.monotonic()
    taken = len(relay.taken)
    await anne.taps(card, "Distribute")
    await group.becomes(card, "Distributed by Anne")
    edited = time.monotonic()
    while len(relay.taken) == taken:
        await asyncio.sleep(0.005)
    left = time.monotonic()
    return (posted - began) * 1_000, (edited - posted) * 1_000, (left - posted - UNDO_S) * 1_000


async def _do(app: App, command: str) -> None:
    done = await app.dispatcher.run_line(command, local_person())
    assert done.ok, done.text


def main() -> int:
    """Print and judge."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    figures = asyncio.run(measured())
    for name, limit in LIMITS.items():
        print(f"{name:10} {figures[name]:8.0f}   limit {limit:.0f}")
    return int(any(figures[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
