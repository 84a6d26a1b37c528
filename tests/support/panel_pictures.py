"""Draws the pictures of a list's control panel, of /stats and of /link for docs/administration.md.

    python -m tests.support.panel_pictures

What is drawn is what a whole installation answers; needs what `tests.support.pictures` needs.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from datetime import timedelta
from pathlib import Path

from bot.app import App, open_app
from bot.core.addresses import Address, Mailbox
from bot.core.changing import changed
from bot.core.chat import Place, Press, Screen, Utterance
from bot.core.clock import Clock
from bot.core.lists import MailingList
from bot.core.people import Actor, Role
from bot.core.posts import Disposition
from config.settings import Settings, Smtp
from tests.support.pictures import HERE, draw
from tests.support.stores import decision, new_post, screened

ANNE = Actor("telegram:1", "Anne")
ALONE = Place("telegram", "1", private=True)
GROUP = Place("telegram", "-1", title="Modération")
_WEEKS = 12


async def main() -> None:
    """Every picture."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            organisation="AMAP des Trois Rivières",
            language="fr",
            data_dir=Path(folder),
            admins=[ANNE.id],
            smtp=Smtp(host="ssl0.ovh.net", username="facteur@amap.example"),
        )
        async with open_app(settings) as app:
            mlist = await _furnished(app)
            draw("panel-list.png", 440, await _said(app, f"/list {mlist.local_part}"))
            draw("panel-notices.png", 500, await _pressed(app, "/list list:1 section=notices"))
            draw("panel-choice.png", 250, await _pressed(app, "/setting list:1 moderation"))
            asked = await _said(app, "/setting list:1 max_size")
            draw("panel-typed.png", 480, asked, "beaucoup", await _said(app, "beaucoup"), private=True)
            await _said(app, "/cancel")
            line = f"/set {mlist.local_part} moderaton=all"
            draw("panel-meant.png", 200, line, await _said(app, line), private=True)
            line = "/link anne@example.org"
            draw("link.png", 260, line, await _said(app, line), private=True)
            await _said(app, "/cancel")
            answer = await app.dispatcher.said(Utterance(ANNE, ALONE, "/stats"))
            assert answer
            [picture] = answer.screens[-1].files
            (HERE / "stats.png").write_bytes(picture.content)


async def _furnished(app: App) -> MailingList:
    stores, now = app.stores, app.clock.now()
    own = changed({}, {"host": "ssl0.ovh.net", "password": "s3cret", "description": "Les adhérents"})
    mlist = await stores.lists.add(Address("adherents@amap.example"), own, now)
    for number in range(86):
        who = Mailbox(f"Personne {number}", Address(f"p{number}@example.org"))
        await stores.people.grant(mlist, Role.MEMBER, who)
    await stores.rooms.bind(GROUP, mlist.id, now)
    await stores.lists.polled(mlist.id, now - timedelta(minutes=2), None)
    await stores.lists.connected([mlist.id], now - timedelta(minutes=40), None)
    await _posts(app, mlist, Clock())
    return mlist


async def _posts(app: App, mlist: MailingList, clock: Clock) -> None:
    """The posts of some weeks, the same at each run."""
    chance, stores = random.Random(7), app.stores
    for week in range(1, _WEEKS):
        for _ in range(chance.randint(2, 9)):
            at = clock.now() - timedelta(weeks=week - 1, days=chance.random() * 3)
            kind = chance.choices(
                list(Disposition),
                weights=[1 if each is not Disposition.ACCEPT else 8 for each in Disposition],
            )[0]
            if kind is Disposition.DISCARD:
                await screened(stores, new_post(mlist.id, at), kind)
                continue
            post = await screened(stores, new_post(mlist.id, at))
            if kind is not Disposition.HOLD:
                late = timedelta(hours=chance.random() * 8)
                await stores.posts.decide(decision(post, at + late, disposition=kind))


async def _said(app: App, words: str) -> Screen:
    answer = await app.dispatcher.said(Utterance(ANNE, ALONE, words))
    assert answer
    return answer.screens[-1]


async def _pressed(app: App, data: str) -> Screen:
    answer = await app.dispatcher.pressed(Press(ANNE, ALONE, data))
    assert answer.instead
    return answer.instead


if __name__ == "__main__":
    asyncio.run(main())
