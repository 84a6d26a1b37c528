"""Draws the pictures of docs/administration.md: every screen of the dialogue of ``/addlist``.

    python -m tests.support.screens

What is drawn is what the program answers, on servers of the tests. Needs what `tests.support.pictures` needs.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.app import App, open_app
from bot.core.chat import Place, Press, Screen, Sent, Utterance
from bot.core.people import Actor
from bot.core.settings import Security
from config.settings import Dns, Settings
from tests.support.clock import ManualClock
from tests.support.names import name_server
from tests.support.office import sent
from tests.support.pictures import draw
from tests.support.rerouted import IMAP, Rerouted
from tests.support.scripted_imap import ScriptedImap, scripted_imap
from tests.support.smtp_server import SmtpServer

ANNE = Actor("telegram:101", "Anne")
ALONE = Place("telegram", "101", private=True, title="Anne")
GROUP = Place("telegram", "-1", title="Modération")
ADDRESS = "adherents@amap.example"
PEOPLE = ("Hélène Petit", "Karim Benali", "Lucie Roy", "Paul Durand")
SHEET = "nom;adresse\n" + "".join(
    f"{name};{name.split()[0].lower()}@example.org\n" for name in (*PEOPLE, *(f"M{n} N" for n in range(82)))
)


@dataclass
class Talk:
    """What Anne says and taps, and what she gets to see, in order."""

    app: App
    place: Place = ALONE
    seen: list[Screen | str] = field(default_factory=list)
    last: tuple[Screen, ...] = ()
    host: str = "imap.gmail.com"

    async def says(self, words: str, *files: Sent, shown: str = "") -> None:
        answer = await self.app.dispatcher.said(Utterance(ANNE, self.place, words, files))
        assert answer
        self._keep(shown or words, answer.screens)

    async def taps(self, label: str) -> None:
        buttons = [button for screen in self.last for row in screen.buttons for button in row]
        [data] = [button.data for button in buttons if label in button.label]
        answer = await self.app.dispatcher.pressed(Press(ANNE, self.place, data))
        self._keep("", answer.screens or ((answer.instead,) if answer.instead else ()))

    def draws(self, name: str, height: int) -> None:
        """A picture of all since the last one."""
        draw(f"addlist-{name}.png", height, *self.seen, private=self.place.private)
        self.seen = []

    def _keep(self, words: str, screens: tuple[Screen, ...]) -> None:
        self.seen += [words] if words else []
        self.seen += (_as_named(screen, self.host) for screen in screens)
        self.last = screens


def _as_named(screen: Screen, host: str) -> Screen:
    """With the name of the server, `host`, that one of this machine stands for."""
    lines = tuple(
        tuple(replace(span, text=span.text.replace("localhost", host)) for span in line)
        for line in screen.lines
    )
    return replace(screen, lines=lines)


async def all_goes_well(talk: Talk) -> None:
    """From the first word to the test post."""
    await talk.says("/addlist")
    await talk.says(ADDRESS)
    talk.draws("servers", 510)
    await talk.taps("C'est bien ça")
    await talk.says("s3cret", shown="••••••")
    talk.draws("password", 460)
    await talk.taps("non-membres")
    talk.draws("answers", 190)
    await talk.taps("à l'auteur")
    await talk.says("", sent("adherents.csv", SHEET.encode()), shown="📄 adherents.csv")
    talk.draws("members", 560)
    await talk.taps("Les inscrire")
    await talk.taps("Dans cette discussion")
    talk.draws("room", 400)
    await talk.taps("Laisser")
    await talk.taps("message d'essai")
    talk.draws("ready", 350)


async def what_can_be_wrong(talk: Talk, imap: ScriptedImap) -> None:
    """A host without passwords, one that wants another kind of password, a group that reads along."""
    await talk.says("/addlist amap@hotmail.fr")
    talk.draws("closed", 270)
    imap.answer("^LOGIN", b"TAG NO [ALERT] Application-specific password required (Failure)\r\n")
    await talk.says("/addlist liste@gmail.com")
    await talk.taps("C'est bien ça")
    talk.seen = []
    await talk.says("s3cret", shown="••••••")
    talk.draws("refused", 480)
    talk.host = "ssl0.ovh.net"
    imap.answer("^LOGIN", b"TAG NO Your account is not enabled for IMAP use.\r\n")
    await talk.says(f"/addlist {ADDRESS.replace('adherents', 'paniers')}")
    await talk.taps("C'est bien ça")
    talk.seen = []
    await talk.says("s3cret", shown="••••••")
    talk.draws("switched-off", 480)
    talk.place = GROUP
    await talk.says("/addlist bureau@amap.example")
    talk.seen = []
    await talk.taps("C'est bien ça")
    talk.draws("private", 250)


async def a_certificate_of_its_own(talk: Talk, imap: ScriptedImap, relay: SmtpServer) -> None:
    """A server of the collective itself, for which nobody vouches."""
    await talk.says("/addlist liste@petit.example")
    await talk.says(
        f"host=localhost port={imap.port} security=none"
        f" smtp_host=localhost smtp_port={relay.port} smtp_security=ssl"
    )
    talk.seen = []
    await talk.says("s3cret", shown="••••••")
    await talk.taps("Accepter ce certificat")
    talk.draws("certificate", 840)


async def main() -> None:
    """Every picture."""
    async with AsyncExitStack() as stack:
        names = await stack.enter_async_context(name_server())
        names.names_servers("MX", "amap.example", "1 mx1.mail.ovh.net.")
        imap = await stack.enter_async_context(scripted_imap())
        imap.mails.update(dict.fromkeys(range(1, 13), b"Subject: old\r\n\r\n"))
        relay = await stack.enter_async_context(SmtpServer().listening())
        internet = Rerouted()
        for host in ("ssl0.ovh.net", "imap.gmail.com"):
            internet.doors[host, IMAP] = imap.port, Security.NONE
        for host in ("ssl0.ovh.net", "smtp.gmail.com"):
            internet.doors[host, None] = relay.port, Security.NONE
        settings = Settings(
            organisation="AMAP des Trois Rivières",
            language="fr",
            data_dir=Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data",
            admins=[ANNE.id],
            dns=Dns(server=f"127.0.0.1:{names.port}"),
        )
        clock = ManualClock(datetime(2026, 3, 10, 9, 30, tzinfo=UTC))
        app = await stack.enter_async_context(open_app(settings, clock=clock, servers=internet))
        await all_goes_well(Talk(app))
        await what_can_be_wrong(Talk(app), imap)
        own = await stack.enter_async_context(SmtpServer(security=Security.SSL).listening())
        friendly = await stack.enter_async_context(scripted_imap())
        internet.distrust()
        await a_certificate_of_its_own(Talk(app, host="mail.petit.example"), friendly, own)


if __name__ == "__main__":
    asyncio.run(main())
