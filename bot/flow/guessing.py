"""Where the mailbox of an address is, for people who have never seen a mail server's settings.

What is known of its host comes first; then what its domain publishes (RFC 6186, RFC 8314 section 5.1);
then whose server takes in its mail; at last the names that servers mostly have are tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.addresses import Address, domain_of
from bot.core.errors import ServerTrouble, Trouble
from bot.core.lists import mailbox_port, smtp_port
from bot.core.ports import Dns, Servers, Service
from bot.core.settings import MailProtocol, Security
from bot.flow.accounts import registrable
from bot.flow.providers import Provider, of_address, of_mx, of_server

_ASKING_S = 5.0
_TRYING_S = 6.0
"""Somebody waits for the answer."""

_IMAP, _POP3 = MailProtocol.IMAP, MailProtocol.POP3
_READING = {
    "_imaps": (_IMAP, Security.SSL),
    "_imap": (_IMAP, Security.STARTTLS),
    "_pop3s": (_POP3, Security.SSL),
    "_pop3": (_POP3, Security.STARTTLS),
}
_SENDING = {"_submissions": Security.SSL, "_submission": Security.STARTTLS}
_ENCRYPTED = (Security.SSL, Security.STARTTLS)
_NAMES = {_IMAP: ("imap", "mail"), _POP3: ("pop", "pop3", "mail")}

_Candidate = tuple[str, MailProtocol | None, Security]
"""A server to try: its name, how it is read (None = a relay), how it is encrypted."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What was found out about the mailbox of an address.

    Attributes:
        settings: those of its accounts, as ``/addlist`` takes them; none = nothing was found.
        provider: whose mailbox it is, as far as it is one that is known.
        sure: its owner names these servers, or they are in the owner's domain; else somebody who can
            lie in DNS may have named them (RFC 6186 section 6), and a person should look first.
    """

    settings: Mapping[str, str]
    provider: Provider | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class _Published:
    """What DNS says of a domain; services by their label, exchanges best first."""

    services: Mapping[str, Sequence[Service]]
    exchanges: Sequence[str]


class Guessing:
    """Finds out, within a few seconds."""

    def __init__(self, dns: Dns, servers: Servers, trying_s: float = _TRYING_S) -> None:
        """`trying_s`: how long servers are tried whose names are nowhere to be read."""
        self._dns = dns
        self._servers = servers
        self._trying_s = trying_s

    async def guess(self, address: Address, protocol: MailProtocol | None = None) -> Guess:
        """The servers of an address; `protocol`: only those that speak it."""
        known = of_address(address)
        if known and (known.closed or known.imap):
            return _of_provider(known, address, protocol)
        domain = domain_of(address)
        published = await self._published(domain)
        provider = known or next(filter(None, map(of_mx, published.exchanges)), None)
        found = _announced(published.services, protocol)
        if found:
            provider = of_server(found["host"]) or provider
            return Guess({**_quotas(provider), **found}, provider, sure=_are_of(found, domain))
        if provider:
            guess = _of_provider(provider, address, protocol, published.exchanges)
            if guess.settings or provider.closed:
                return guess
        return await self._tried(domain, published.exchanges, protocol, provider)

    async def _published(self, domain: str) -> _Published:
        labels = [*_READING, *_SENDING]
        asked = [self._dns.services(f"{label}._tcp.{domain}") for label in labels]
        try:
            async with asyncio.timeout(_ASKING_S):
                services, exchanges = await asyncio.gather(
                    asyncio.gather(*asked), self._dns.exchanges(domain)
                )
        except TimeoutError:
            return _Published({}, ())
        found = {label: each or () for label, each in zip(labels, services, strict=True)}
        return _Published(found, exchanges or ())

    async def _tried(
        self,
        domain: str,
        exchanges: Sequence[str],
        protocol: MailProtocol | None,
        provider: Provider | None,
    ) -> Guess:
        """Servers that answer under one of the names that servers mostly have."""
        owners = list(dict.fromkeys([domain, *map(registrable, exchanges[:1])]))
        reading = [
            (host, each, security)
            for security in _ENCRYPTED
            for each in _wanted(protocol)
            for host in _hosts(_NAMES[each], owners, exchanges)
        ]
        sending = [
            (host, None, security)
            for security in _ENCRYPTED
            for host in _hosts(("smtp", "mail"), owners, exchanges)
        ]
        mailbox, relay = await asyncio.gather(self._first(reading), self._first(sending))
        if mailbox is None:
            return Guess({}, provider)
        found = _reading(*mailbox) | _quotas(provider)
        if relay:
            host, _, security = relay
            found |= {"smtp_host": host, "smtp_security": security.value}
        return Guess(found, provider, sure=_are_of(found, domain))

    async def _first(self, candidates: Sequence[_Candidate]) -> _Candidate | None:
        """The first that answers, of those whose certificate is in order if there are any."""
        tries = [asyncio.create_task(self._answers(*each)) for each in candidates]
        await asyncio.wait(tries, timeout=self._trying_s)
        answered = [task.result() if task.done() else None for task in tries]
        for task in tries:
            task.cancel()
        for wanted in (True, False):
            if wanted in answered:
                return candidates[answered.index(wanted)]
        return None

    async def _answers(self, host: str, protocol: MailProtocol | None, security: Security) -> bool | None:
        """Whether it is such a server; False = it is, but its certificate is not in order."""
        try:
            await self._servers.greets(host, protocol, security)
        except ServerTrouble as error:
            return False if error.trouble is Trouble.CERTIFICATE else None
        return True


def _of_provider(
    provider: Provider,
    address: Address,
    protocol: MailProtocol | None,
    exchanges: Sequence[str] = (),
) -> Guess:
    mx = next(filter(provider.runs, exchanges), "")
    tried = (provider.settings(address, each, mx) for each in _wanted(protocol))
    found = next(filter(None, tried), None)
    return Guess({**found, **provider.sending(mx)} if found else {}, provider)


def _wanted(protocol: MailProtocol | None) -> Sequence[MailProtocol]:
    return (protocol,) if protocol else (_IMAP, _POP3)


def _announced(services: Mapping[str, Sequence[Service]], protocol: MailProtocol | None) -> dict[str, str]:
    """What SRV records say: between kinds the lower priority counts, then our own order."""
    offers = [
        (offer.priority, order, offer, spoken, security)
        for order, (label, (spoken, security)) in enumerate(_READING.items())
        for offer in services.get(label, ())[:1]
        if protocol in {None, spoken}
    ]
    if not offers:
        return {}
    _, _, offer, spoken, security = min(offers, key=lambda each: each[:2])
    found = _reading(offer.host, spoken, security)
    if offer.port != mailbox_port(spoken, security):
        found["port"] = str(offer.port)
    return found | _relay(services)


def _relay(services: Mapping[str, Sequence[Service]]) -> dict[str, str]:
    for label, security in _SENDING.items():
        for offer in services.get(label, ())[:1]:
            port = {} if offer.port == smtp_port(security) else {"smtp_port": str(offer.port)}
            return {"smtp_host": offer.host, "smtp_security": security.value, **port}
    return {}


def _reading(host: str, protocol: MailProtocol | None, security: Security) -> dict[str, str]:
    """The settings of a mailbox's server, without those that go without saying."""
    found = {"host": host}
    if protocol and protocol is not _IMAP:
        found["protocol"] = protocol.value
    if security is not Security.SSL:
        found["security"] = security.value
    return found


def _quotas(provider: Provider | None) -> dict[str, str]:
    sending = provider.sending() if provider else {}
    return {key: value for key, value in sending.items() if key.startswith("smtp_max")}


def _hosts(names: Sequence[str], owners: Sequence[str], exchanges: Sequence[str]) -> list[str]:
    by_name = [f"{name}.{owner}" for owner in owners for name in names]
    return list(dict.fromkeys([*by_name, owners[0], *exchanges[:1]]))


def _are_of(found: Mapping[str, str], domain: str) -> bool:
    """Whether all servers that would get the password are the domain's own, or those of a known host."""
    hosts = [found[key] for key in ("host", "smtp_host") if key in found]
    return all(of_server(host) or registrable(host) == registrable(domain) for host in hosts)
