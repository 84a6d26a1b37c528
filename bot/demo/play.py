"""``facteur demo``: the whole thing on this machine, with real IMAP and SMTP and nothing to configure."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from typing_extensions import override

from bot.app import PARTS, App, local_person, open_app, terminal_room
from bot.core.ports import Dns
from bot.core.text import Text
from bot.demo.mailbox import DemoMailbox, demo_mailbox
from bot.demo.posts import LIST, MEMBERS, sample_posts
from bot.demo.relay import DemoRelay, demo_relay
from bot.demo.script import AutomaticModerator
from bot.logs import log_to
from config.settings import Poll, Settings, Smtp

_UNDO_S = 10
_UNDO_ALONE_S = 60
"""Taken back long before it is over, however slow the machine; what follows then waits for nothing."""


async def play(*, auto: bool) -> int:
    """Play the demonstration, with a person or `auto`; the exit code."""
    with tempfile.TemporaryDirectory(prefix="facteur-demo-") as folder:
        log_to(Path(folder) / "demo.log")
        async with demo_mailbox() as mailbox, demo_relay() as relay:
            settings = Settings(
                organisation="AMAP des Trois Rivières",
                language="fr" if os.environ.get("LANG", "").startswith("fr") else "en",
                data_dir=Path(folder),
                poll=Poll(interval_s=2),
                smtp=Smtp(host=relay.host, port=relay.port, security="none"),
            )
            async with open_app(settings, dns=NoNames()) as app:
                await _add_list(app, mailbox, _UNDO_ALONE_S if auto else _UNDO_S)
                app.start(PARTS)
                posts = sample_posts(datetime.now(UTC))
                for raw in posts:
                    await mailbox.deliver(raw)
                if auto:
                    moderator = AutomaticModerator(app, mailbox, relay, posts)
                    await app.moderate(moderator, "auto")
                    return moderator.exit_code
                return await _with_a_person(app, relay)


class NoNames(Dns):
    """Nothing leaves this machine, questions included."""

    @override
    async def texts(self, name: str) -> None:
        return None

    @override
    async def services(self, name: str) -> None:
        return None

    @override
    async def exchanges(self, domain: str) -> None:
        return None


async def _add_list(app: App, mailbox: DemoMailbox, undo_s: int) -> None:
    """By the commands that anybody would type."""
    await _command(
        app,
        f"/addlist {LIST} host={mailbox.host} port={mailbox.port} security=none username={mailbox.username} "
        f"password={mailbox.password} moderation=all undo_s={undo_s} notify_held=no notify_distributed=no "
        f'description="{app.settings.organisation}"',
    )
    for member in MEMBERS:
        await _command(app, f'/addmember {LIST} "{member.name} <{member.address}>"')


async def _command(app: App, line: str) -> None:
    done = await app.dispatcher.run_line(line, local_person())
    if not done.ok:
        raise RuntimeError(done.text)


async def _with_a_person(app: App, relay: DemoRelay) -> int:
    language = app.desk.languages.default
    welcome = Text(
        "This is {list}, a list with {members} members. Three posts came in and wait for you: type the "
        "number of a button. Nothing leaves this machine.",
        list=LIST,
        members=len(MEMBERS),
    )
    print(f"\n{welcome.render(language)}\n")  # noqa: T201 - a command line speaks on standard output
    await app.moderate(*terminal_room(app))
    farewell = Text.counted(
        "{count} mail would have left. Thank you for playing!",
        "{count} mails would have left. Thank you for playing!",
        len(relay.recipients),
    )
    print(farewell.render(language))  # noqa: T201
    return 0
