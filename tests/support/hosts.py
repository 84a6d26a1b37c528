"""Hosts of mailboxes as people have them: an installation without a relay, its internet on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.people import Actor
from bot.core.settings import Security
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.rerouted import IMAP, POP3, Rerouted
from tests.support.smtp_server import SmtpServer
from tests.support.world import World, opened_world

PAUL = Actor("telegram:42", "Paul")
"""Its administrator."""


@pytest.fixture
def internet() -> Rerouted:
    return Rerouted()


@pytest.fixture
async def hosted(
    tmp_path: Path, dovecot: Dovecot, relay: SmtpServer, clock: ManualClock, internet: Rerouted
) -> AsyncIterator[World]:
    """Nothing is made there yet."""
    async with opened_world(
        tmp_path / "data", dovecot, relay, clock, servers=internet, common_relay=False, admins=[PAUL.id]
    ) as opened:
        relay.users[opened.address] = opened.mailbox.password
        yield opened


def at_ovh(world: World, internet: Rerouted) -> None:
    """The domain of the list's address has its mail there."""
    world.names.names_servers("MX", "example.test", "1 mx1.mail.ovh.net.", "5 mx2.mail.ovh.net.")
    internet.doors["ssl0.ovh.net", IMAP] = world.dovecot.imaps, Security.SSL
    internet.doors["ssl0.ovh.net", POP3] = world.dovecot.pop3s, Security.SSL
    internet.doors["ssl0.ovh.net", None] = world.relay.port, Security.SSL
