"""The domain name system (RFC 1035, RFC 2782), by dnspython."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.core.charsets import undeclared
from bot.core.ports import Service

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.name
    import dns.resolver

_SILENCE_S = 60.0
"""A name that got no answer is not asked for again so soon: each question costs the whole time limit."""
_CACHED = 1_000


class DnsResolver:
    """The port `Dns`; answers are kept for as long as their TTL allows."""

    def __init__(self, server: tuple[str, int] | None = None, timeout_s: float = 4.0) -> None:
        """`server`: IP address and port of the one to ask; None = those of the system."""
        self._server = server
        self._timeout_s = timeout_s
        self._made: dns.asyncresolver.Resolver | None = None
        self._silent: dict[str, float] = {}

    async def texts(self, name: str) -> Sequence[str] | None:
        """As the port says."""
        found = await self._records(name, "TXT")
        return None if found is None else tuple(map(_text, found))

    async def services(self, name: str) -> Sequence[Service] | None:
        """As the port says."""
        found = await self._records(name, "SRV")
        if found is None:
            return None
        offered = [record for record in found if record.target.labels != (b"",)]
        offered.sort(key=lambda record: (record.priority, -record.weight))
        return [Service(_host(each.target), each.port, each.priority) for each in offered]

    async def exchanges(self, domain: str) -> Sequence[str] | None:
        """As the port says; a target of ``.`` means that it takes none in (RFC 7505)."""
        found = await self._records(domain, "MX")
        if found is None:
            return None
        by_preference = sorted(found, key=lambda record: record.preference)
        return [_host(each.exchange) for each in by_preference if each.exchange.labels != (b"",)]

    async def _records(self, name: str, kind: str) -> Sequence[Any] | None:
        """The records of a kind; none where there are none, None = no answer."""
        import dns.exception
        import dns.name
        import dns.resolver

        asked = f"{kind} {name}"
        if self._silent.get(asked, 0.0) > time.monotonic():
            return None
        try:
            wanted = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):  # no such name can exist
            return ()
        try:
            answer = await self._resolver().resolve(wanted, kind, search=False, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
            return ()
        except (dns.exception.DNSException, OSError):
            self._keep_silent(asked)
            return None
        return tuple(answer.rrset or ())

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """Made when first asked. Raises NoResolverConfiguration where the system has none."""
        if self._made is None:
            import dns.asyncresolver
            import dns.resolver

            resolver = dns.asyncresolver.Resolver(configure=not self._server)
            if self._server:
                host, resolver.port = self._server
                resolver.nameservers = [host]
            resolver.lifetime = self._timeout_s
            resolver.timeout = self._timeout_s / 2  # one packet may be lost
            resolver.cache = dns.resolver.LRUCache(_CACHED)
            self._made = resolver
        return self._made

    def _keep_silent(self, asked: str) -> None:
        if len(self._silent) >= _CACHED:
            self._silent.clear()
        self._silent[asked] = time.monotonic() + _SILENCE_S


def _text(record: Any) -> str:  # noqa: ANN401 - dnspython's classes of records are made as it runs
    """The strings of a record belong together without anything between (RFC 7208 section 3.3)."""
    return undeclared(b"".join(record.strings))


def _host(name: dns.name.Name) -> str:
    return str(name.to_text(omit_final_dot=True)).lower()
