"""What domains ask of those who receive mail in their name: DMARC records (RFC 7489 section 6)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence

from bot.core.authentication import Policy
from bot.core.ports import Dns
from bot.flow.accounts import registrable

LIMIT_S = 5.0
"""No post waits longer for all that is asked about it."""

STRICT_PROVIDERS = frozenset(
    """
    aol.com gmail.com googlemail.com hotmail.com hotmail.fr icloud.com live.com live.fr mac.com me.com
    msn.com outlook.com outlook.fr rocketmail.com yahoo.com yahoo.fr ymail.com
    """.split()  # noqa: SIM905 - easier to read and to add to
)
"""Mailbox providers that refuse or hide mail in their own name, whatever their records say."""

_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(;|\Z)")
_DOMAINS_LIMIT = 10
_LOWER = {Policy.REJECT: Policy.QUARANTINE, Policy.QUARANTINE: Policy.NONE}
_ORDER = (Policy.REJECT, Policy.QUARANTINE, Policy.UNKNOWN, Policy.NONE)


class Policies:
    """Finds the policies of domains."""

    def __init__(self, dns: Dns) -> None:
        self._dns = dns

    async def strictest(self, domains: Collection[str]) -> Policy:
        """The strictest policy of several domains; `UNKNOWN` where DNS takes too long.

        A domain that publishes nothing has the policy NONE.
        """
        asked = sorted(set(domains))
        if len(asked) > _DOMAINS_LIMIT:  # nobody writes such a mail, and each of them costs time
            return Policy.UNKNOWN
        found = await asyncio.gather(*(self.of(domain) for domain in asked))
        return min(found, key=_ORDER.index, default=Policy.NONE)

    async def of(self, domain: str) -> Policy:
        """The policy of one domain, its organisational domain's where it has none of its own."""
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._discovered(domain)
        except TimeoutError:
            return Policy.UNKNOWN

    async def _discovered(self, domain: str) -> Policy:
        """RFC 7489 section 6.6.3: the domain, then the organisational domain, whose `sp` counts."""
        for asked in dict.fromkeys((domain, registrable(domain))):
            texts = await self._dns.texts(f"_dmarc.{asked}")
            if texts is None:
                return Policy.UNKNOWN
            records = [text for text in texts if _VERSION.match(text)]
            if records:
                return published(records, subdomain=asked != domain)
        return Policy.NONE


def published(records: Sequence[str], *, subdomain: bool) -> Policy:
    """What the records at one name ask for; several are as good as none (RFC 7489 section 6.6.3).

    A policy that is applied to no mail (``pct=0``, or ``t=y`` of its successor) asks for the next
    lower one (RFC 7489 section 6.6.4).
    """
    if len(records) != 1:
        return Policy.NONE
    tags = _tags(records[0])
    policy = _policy(tags.get("p", ""))
    if subdomain and "sp" in tags:
        policy = _policy(tags["sp"])
    in_test = tags.get("pct") == "0" or tags.get("t", "").lower() == "y"
    return _LOWER.get(policy, policy) if in_test else policy


def _policy(word: str) -> Policy:
    """A word of the record; one that means nothing asks for nothing."""
    found = {policy.value: policy for policy in (Policy.QUARANTINE, Policy.REJECT)}
    return found.get(word.lower(), Policy.NONE)


def _tags(record: str) -> Mapping[str, str]:
    """``tag=value`` with semicolons between, the last one perhaps without (RFC 7489 section 6.4)."""
    pairs = (tag.partition("=") for tag in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
