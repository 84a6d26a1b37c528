"""Where a mailbox is: by the table, by what DNS says (a real name server), by servers that answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from bot.core.addresses import Address
from bot.core.errors import ServerTrouble, Trouble
from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.ports import Mailbox, MailSender, Servers
from bot.core.settings import MailProtocol, Security
from bot.core.text import Text
from bot.flow.guessing import Guess, Guessing
from tests.support.names import NameServer
from transports.dns import DnsResolver

LIST = Address("liste@amap.example")
IMAP, POP3, SSL, STARTTLS = MailProtocol.IMAP, MailProtocol.POP3, Security.SSL, Security.STARTTLS

Door = tuple[str, MailProtocol | None, Security]


@dataclass
class Doors(Servers):
    """Servers that answer under some names; those with `trouble` do so in their own way."""

    open: Mapping[Door, Trouble | None] = field(default_factory=dict)
    hanging: bool = False
    tried: list[Door] = field(default_factory=list)

    @override
    async def greets(self, host: str, protocol: MailProtocol | None, security: Security) -> None:
        self.tried.append((host, protocol, security))
        trouble = self.open.get((host, protocol, security), Trouble.NAME)
        if self.hanging:
            await asyncio.Event().wait()
        if trouble:
            raise ServerTrouble(trouble, Text("no"))

    @override
    def mailbox(self, account: MailboxAccount) -> Mailbox:
        raise AssertionError("nobody logs in while it is guessed")

    @override
    def sender(self, account: SmtpAccount) -> MailSender:
        raise AssertionError("nobody logs in while it is guessed")


def guessing(names: NameServer, servers: Servers | None = None) -> Guessing:
    return Guessing(DnsResolver(("127.0.0.1", names.port)), servers or Doors())


async def test_an_address_of_a_known_host_needs_no_question(names: NameServer) -> None:
    guess = await guessing(names).guess(Address("liste@gmail.com"))
    assert guess.settings == {
        "host": "imap.gmail.com",
        "smtp_host": "smtp.gmail.com",
        "smtp_security": "ssl",
        "smtp_max_per_day": "500",
    }
    assert names.asked == []


async def test_a_host_that_cannot_be_used_is_named_without_servers(names: NameServer) -> None:
    guess = await guessing(names).guess(Address("liste@hotmail.fr"))
    assert (guess.provider and guess.provider.name, guess.settings) == ("Microsoft", {})
    names.names_servers("MX", "amap.example", "0 amap-example.mail.protection.outlook.com.")
    guess = await guessing(names).guess(LIST)
    assert (guess.provider and guess.provider.name, guess.settings) == ("Microsoft", {})


async def test_the_one_who_takes_in_the_mail_is_the_host(names: NameServer) -> None:
    names.names_servers("MX", "amap.example", "100 mx3.mail.ovh.net.", "1 MX1.mail.ovh.net.")
    guess = await guessing(names).guess(LIST)
    assert guess.settings["host"] == guess.settings["smtp_host"] == "ssl0.ovh.net"
    assert guess.settings["smtp_max_per_hour"] == "200"
    assert guess.sure
    pop3 = await guessing(names).guess(LIST, POP3)
    assert (pop3.settings["protocol"], pop3.settings["host"]) == ("pop3", "ssl0.ovh.net")


async def test_what_a_domain_publishes_comes_before_who_takes_in_its_mail(names: NameServer) -> None:
    """RFC 6186: the lowest priority, of equal ones the heaviest; ports other than the usual are said."""
    names.names_servers("MX", "amap.example", "1 mx1.mail.ovh.net.")
    names.names_servers(
        "SRV",
        "_imaps._tcp.amap.example",
        "10 1 993 second.amap.example.",
        "1 1 9993 light.amap.example.",
        "1 5 9993 First.amap.example.",
    )
    names.names_servers("SRV", "_submission._tcp.amap.example", "0 0 587 out.amap.example.")
    guess = await guessing(names).guess(LIST)
    assert guess.settings == {
        "host": "first.amap.example",
        "port": "9993",
        "smtp_host": "out.amap.example",
        "smtp_security": "starttls",
        "smtp_max_per_hour": "200",
    }
    assert guess.sure


async def test_a_service_that_is_said_not_to_be_there_is_not_used(names: NameServer) -> None:
    """RFC 6186 section 3.4: a target of a dot."""
    names.names_servers("SRV", "_imaps._tcp.amap.example", "0 0 0 .")
    names.names_servers("SRV", "_imap._tcp.amap.example", "0 0 0 .")
    names.names_servers("SRV", "_pop3s._tcp.amap.example", "0 0 995 pop.amap.example.")
    guess = await guessing(names).guess(LIST)
    assert guess.settings == {"host": "pop.amap.example", "protocol": "pop3"}


@pytest.mark.parametrize(
    ("records", "settings"),
    [
        ({"_imap": "0 0 143 a.amap.example."}, {"host": "a.amap.example", "security": "starttls"}),
        (
            {"_imaps": "20 0 993 a.amap.example.", "_pop3s": "10 0 995 b.amap.example."},
            {"host": "b.amap.example", "protocol": "pop3"},
        ),
        (
            {"_imaps": "5 0 993 a.amap.example.", "_imap": "5 0 143 b.amap.example."},
            {"host": "a.amap.example"},
        ),
    ],
)
async def test_priorities_choose_between_services(
    names: NameServer, records: dict[str, str], settings: dict[str, str]
) -> None:
    for label, record in records.items():
        names.names_servers("SRV", f"{label}._tcp.amap.example", record)
    assert (await guessing(names).guess(LIST)).settings == settings


async def test_a_server_of_somebody_else_s_is_for_a_person_to_look_at(names: NameServer) -> None:
    """RFC 6186 section 6: DNS can lie, and a password would go there."""
    names.names_servers("SRV", "_imaps._tcp.amap.example", "0 0 993 imap.evil.example.")
    guess = await guessing(names).guess(LIST)
    assert (guess.settings["host"], guess.sure) == ("imap.evil.example", False)
    names.others["SRV", "_imaps._tcp.amap.example"] = ["0 0 993 ssl0.ovh.net."]
    assert (await guessing(names).guess(LIST)).sure


async def test_a_way_out_by_somebody_else_is_for_a_person_to_look_at_too(names: NameServer) -> None:
    """The password goes there as well."""
    names.names_servers("SRV", "_imaps._tcp.amap.example", "0 0 993 imap.amap.example.")
    names.names_servers("SRV", "_submissions._tcp.amap.example", "0 0 465 smtp.evil.example.")
    assert not (await guessing(names).guess(LIST)).sure
    names.names_servers("MX", "petit.example", "10 mx.evil.example.")
    doors = Doors({("imap.petit.example", IMAP, SSL): None, ("smtp.evil.example", None, SSL): None})
    assert not (await guessing(names, doors).guess(Address("liste@petit.example"))).sure


async def test_names_that_servers_mostly_have_are_tried(names: NameServer) -> None:
    """The first that answers, encrypted from its first octet if there is one."""
    doors = Doors(
        {
            ("mail.amap.example", IMAP, SSL): None,
            ("imap.amap.example", IMAP, STARTTLS): None,
            ("mail.amap.example", None, STARTTLS): None,
        }
    )
    guess = await guessing(names, doors).guess(LIST)
    assert guess == Guess(
        {"host": "mail.amap.example", "smtp_host": "mail.amap.example", "smtp_security": "starttls"}
    )
    assert ("imap.amap.example", POP3, SSL) not in doors.tried


async def test_a_certificate_in_order_is_better_than_an_earlier_name(names: NameServer) -> None:
    doors = Doors(
        {
            ("imap.amap.example", IMAP, SSL): Trouble.CERTIFICATE,
            ("mail.amap.example", IMAP, SSL): None,
        }
    )
    assert (await guessing(names, doors).guess(LIST)).settings == {"host": "mail.amap.example"}
    only = Doors({("imap.amap.example", IMAP, SSL): Trouble.CERTIFICATE})
    assert (await guessing(names, only).guess(LIST)).settings == {"host": "imap.amap.example"}


async def test_the_domain_of_who_takes_in_the_mail_is_tried_too(names: NameServer) -> None:
    """A small host that is not in the table; it is somebody else, so a person should look."""
    names.names_servers("MX", "amap.example", "5 mx.petit.example.")
    doors = Doors({("imap.petit.example", IMAP, SSL): None})
    guess = await guessing(names, doors).guess(LIST)
    assert (guess.settings, guess.sure) == ({"host": "imap.petit.example"}, False)


async def test_a_host_whose_servers_nobody_knows_is_tried_and_named(names: NameServer) -> None:
    names.names_servers("MX", "amap.example", "5 mx1.infini.fr.")
    guess = await guessing(names, Doors({("mail.infini.fr", IMAP, SSL): None})).guess(LIST)
    assert (guess.provider and guess.provider.name, guess.settings) == ("Infini", {"host": "mail.infini.fr"})


async def test_a_silent_name_server_and_silent_servers_cost_a_few_seconds(names: NameServer) -> None:
    names.silent.update(f"{label}._tcp.amap.example" for label in ("_imaps", "_pop3s"))
    dns = DnsResolver(("127.0.0.1", names.port), 0.3)
    assert await Guessing(dns, Doors(hanging=True), trying_s=0.2).guess(LIST) == Guess({})
