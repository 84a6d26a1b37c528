"""Who a post is really from: what its receiving host says, or what can be verified here."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.core.addresses import domain_of
from bot.core.authentication import UNEXAMINED, Authentication, Finding, Policy
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.ports import Dns
from bot.core.posts import Post
from bot.core.text import N_, Text, revealed
from bot.flow.dmarc import LIMIT_S, Policies
from bot.flow.results import judged, results, results_fields
from bot.flow.signatures import is_verifiable, verified

_DOMAINS_LIMIT = 3
_BY_HOST = {
    Finding.GENUINE: N_("{host} confirms that it comes from {domain}"),
    Finding.FORGED: N_("{host} says that it does not come from {domain}"),
    Finding.UNPROVEN: N_("{host} found nothing that proves that it comes from {domain}"),
}
_ORDER = (Finding.FORGED, Finding.UNPROVEN, Finding.UNKNOWN, Finding.GENUINE)


class Authenticator:
    """Finds out, in at most five seconds, who vouches for a post."""

    def __init__(self, dns: Dns) -> None:
        self._dns = dns
        self._policies = Policies(dns)

    async def examine(self, post: Post, raw: bytes, header: Header, mlist: MailingList) -> Authentication:
        """What there is to know of its authors; of several the least trustworthy counts."""
        domains = list(dict.fromkeys(domain_of(author.address) for author in post.authors))
        if not domains:
            return UNEXAMINED
        try:
            async with asyncio.timeout(LIMIT_S):
                policy = await self._policies.strictest({*domains} - {mlist.domain})
                if len(domains) > _DOMAINS_LIMIT:
                    said_of_none = Text("not verified: it names too many authors")
                    return Authentication(policy, Finding.UNPROVEN, said_of_none)
                said = [await self._of(domain, raw, header, mlist) for domain in domains]
        except TimeoutError:
            return replace(UNEXAMINED, said=_unknown(domains[0]))
        worst = min(said, key=lambda each: _ORDER.index(each.finding))
        return replace(worst, policy=policy)

    async def _of(self, domain: str, raw: bytes, header: Header, mlist: MailingList) -> Authentication:
        """For an author of this domain, without the policy."""
        host = mlist.settings.auth_host
        fields = results_fields(header, host)
        found = results(fields[0]) if fields else None
        if found is not None:
            finding = judged(found, domain)
            if finding is not Finding.UNKNOWN:
                said = Text(_BY_HOST[finding], host=host, domain=revealed(domain))
                return Authentication(finding=finding, said=said)
        return await self._verified_here(domain, raw, header)

    async def _verified_here(self, domain: str, raw: bytes, header: Header) -> Authentication:
        """A signature that holds proves it; without one, the domain's own wish says what that means."""
        shown = revealed(domain)
        finding = await verified(self._dns, raw, header, domain)
        if finding is Finding.GENUINE:
            return Authentication(
                finding=finding,
                said=Text("verified here: the signature of {domain} is genuine", domain=shown),
            )
        policy = await self._policies.of(domain) if finding is Finding.UNPROVEN else Policy.UNKNOWN
        if policy.is_strict:
            said = Text(
                "verified here: {domain} vouches for all of its mail, and for this one it does not",
                domain=shown,
            )
            if not is_verifiable(raw):
                said = Text(
                    "{domain} vouches for all of its mail; this one is too large to verify", domain=shown
                )
            return Authentication(finding=Finding.FORGED, said=said)
        return Authentication(said=_unknown(domain))


def _unknown(domain: str) -> Text:
    return Text("not verified: nothing proves that it comes from {domain}", domain=revealed(domain))
