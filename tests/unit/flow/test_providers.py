"""The table of hosts: who is known, by an address, by who takes in its mail, by a server."""

from __future__ import annotations

import pytest

from bot.core.addresses import Address, fold
from bot.core.changing import changed
from bot.core.errors import ServerTrouble, Trouble
from bot.core.settings import MailProtocol
from bot.core.text import Text
from bot.flow.providers import PROVIDERS, Provider, advised, of_address, of_mx, of_server

IMAP, POP3 = MailProtocol.IMAP, MailProtocol.POP3


@pytest.mark.parametrize(
    ("address", "name", "host", "username"),
    [
        ("liste@gmail.com", "Gmail", "imap.gmail.com", ""),
        ("liste@free.fr", "Free", "imap.free.fr", "liste"),
        ("liste@wanadoo.fr", "Orange", "imap.orange.fr", ""),
        ("liste@laposte.net", "La Poste", "imap.laposte.net", "liste"),
        ("liste@neuf.fr", "SFR", "imap.sfr.fr", ""),
        ("liste@yahoo.co.uk", "Yahoo", "imap.mail.yahoo.com", ""),
        ("liste@yahoo.fr", "Yahoo", "imap.mail.yahoo.com", ""),
        ("liste@posteo.net", "Posteo", "posteo.de", ""),
        ("liste@me.com", "iCloud", "imap.mail.me.com", ""),
        ("liste@netcourrier.com", "Mailo", "imap.mailo.com", ""),
        ("liste@ouvaton.org", "Ouvaton", "imap.ouvaton.coop", ""),
        ("liste@ntymail.com", "NTYMail", "webmail.ntymail.com", ""),
        ("liste@ik.me", "Infomaniak", "mail.infomaniak.com", ""),
        ("liste@zohomail.eu", "Zoho", "imap.zoho.eu", ""),
    ],
)
def test_an_address_tells_its_host(address: str, name: str, host: str, username: str) -> None:
    known = of_address(Address(address))
    assert known
    found = known.settings(Address(address), IMAP)
    assert (known.name, found) == (name, {"host": host} | ({"username": username} if username else {}))


@pytest.mark.parametrize(
    "address", ["a@hotmail.fr", "a@outlook.com", "a@live.co.uk", "a@msn.com", "a@proton.me"]
)
def test_who_cannot_be_used_is_said_to_be_so(address: str) -> None:
    known = of_address(Address(address))
    assert known
    assert "facteur cannot use this mailbox" in str(known.advice)
    assert known.settings(Address(address), IMAP) is None


@pytest.mark.parametrize(
    ("address", "mx", "name"),
    [
        ("liste@amap.example", "mx1.mail.ovh.net", "OVH"),
        ("liste@amap.example", "spool.mail.gandi.net", "Gandi"),
        ("liste@amap.example", "mta-gw.infomaniak.ch", "Infomaniak"),
        ("liste@amap.example", "aspmx.l.google.com", "Google Workspace"),
        ("liste@amap.example", "amap-example.mail.protection.outlook.com", "Microsoft"),
        ("liste@amap.example", "mx00.ionos.fr", "IONOS"),
        ("liste@amap.example", "mx.zoho.eu", "Zoho"),
        ("liste@amap.example", "mail.protonmail.ch", "Proton"),
        ("liste@amap.example", "terre.o2switch.net", "o2switch"),
    ],
)
def test_a_domain_of_one_s_own_is_known_by_who_takes_in_its_mail(address: str, mx: str, name: str) -> None:
    assert of_address(Address(address)) is None
    known = of_mx(mx)
    assert known
    assert known.name == name


@pytest.mark.parametrize("mx", ["mail.ovh.net.evil.example", "notgmail.com", "ovh.network", "xovh.net"])
def test_a_name_that_only_looks_like_a_host_s_is_nobody_s(mx: str) -> None:
    assert of_mx(mx) is None


def test_the_server_of_a_cpanel_host_is_the_one_that_takes_in_the_mail() -> None:
    known = of_mx("terre.o2switch.net")
    assert known
    address = Address("liste@amap.example")
    assert known.settings(address, IMAP, "terre.o2switch.net") == {"host": "terre.o2switch.net"}
    assert known.sending("terre.o2switch.net")["smtp_host"] == "terre.o2switch.net"
    assert known.settings(address, IMAP) is None


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda each: f"{each.name} {each.imap}")
def test_what_the_table_says_can_be_set(provider: Provider) -> None:
    """Every key is one of a list's settings, every name in lower case, and no host is without a way in."""
    mx = f"mx.{provider.mx[0]}" if provider.mx else ""
    for protocol in (IMAP, POP3):
        found = provider.settings(Address("liste@amap.example"), protocol, mx) or {}
        changed({}, {**found, **provider.sending(mx)})
    assert {*provider.domains, *provider.mx} == {fold(each) for each in (*provider.domains, *provider.mx)}
    assert provider.domains or provider.mx
    assert bool(provider.where) == ("{where}" in provider.warning)
    assert not (provider.closed and provider.warning)
    assert not provider.mx or of_mx(provider.mx[0]) is provider
    assert not provider.imap or "{" in provider.imap or of_server(provider.imap)


def test_advice_is_given_where_somebody_could_not_log_in() -> None:
    """Outlook refuses passwords, and people saw nothing but attempts (nextcloud/mail#6591)."""
    refused = ServerTrouble(Trouble.LOGIN, Text("It says no."))
    assert "apppasswords" in str(advised(refused, "imap.GMAIL.com"))
    assert "pro1.mail.ovh.net" in str(advised(refused, "ssl0.ovh.net"))
    assert str(advised(refused, "mail.amap.example")) == "It says no."
    assert str(advised(ServerTrouble(Trouble.TIMEOUT, Text("Silence.")), "imap.gmail.com")) == "Silence."
