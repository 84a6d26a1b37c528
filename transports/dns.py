"""The domain name system, asked for text records (RFC 1035), by dnspython."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.core.charsets import undeclared

if TYPE_CHECKING:
    import dns.asyncresolver
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
        import dns.exception
        import dns.name
        import dns.resolver

        if self._silent.get(name, 0.0) > time.monotonic():
            return None
        try:
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):  # no such name can exist
            return ()
        try:
            answer = await self._resolver().resolve(asked, "TXT", search=False, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
            return ()
        except (dns.exception.DNSException, OSError):
            self._keep_silent(name)
            return None
        return _texts(answer)

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

    def _keep_silent(self, name: str) -> None:
        if len(self._silent) >= _CACHED:
            self._silent.clear()
        self._silent[name] = time.monotonic() + _SILENCE_S


def _texts(answer: dns.resolver.Answer) -> tuple[str, ...]:
    """Each record, whose strings belong together without anything between (RFC 7208 section 3.3)."""
    if answer.rrset is None:
        return ()
    return tuple(undeclared(b"".join(record.strings)) for record in answer.rrset)
