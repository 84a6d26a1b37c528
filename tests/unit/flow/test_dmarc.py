"""What DMARC records ask for, as RFC 7489 reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.core.authentication import Policy
from bot.flow.dmarc import Policies, published
from tests.support.names import NameServer
from tests.support.patience import WAIT_S
from transports.dns import DnsResolver

NONE, QUARANTINE, REJECT, UNKNOWN = Policy.NONE, Policy.QUARANTINE, Policy.REJECT, Policy.UNKNOWN


@pytest.mark.parametrize(
    ("record", "policy", "of_subdomains"),
    [
        ("v=DMARC1; p=reject;", REJECT, REJECT),
        ("v=DMARC1; p=reject", REJECT, REJECT),  # nothing behind the policy
        ("v=DMARC1;p=quarantine", QUARANTINE, QUARANTINE),
        ("v = DMARC1 ; P = Quarantine ; rua=mailto:a@example.org", QUARANTINE, QUARANTINE),
        ("v=DMARC1; p=none", NONE, NONE),
        ("v=DMARC1; p=none; sp=reject", NONE, REJECT),
        ("v=DMARC1; p=reject; sp=none", REJECT, NONE),
        ("v=DMARC1; p=reject; sp=quarantine; pct=50", REJECT, QUARANTINE),
        ("v=DMARC1; p=quarantine; pct=0", NONE, NONE),
        ("v=DMARC1; p=reject; pct=0", QUARANTINE, QUARANTINE),
        ("v=DMARC1; p=reject; t=y", QUARANTINE, QUARANTINE),
        ("v=DMARC1; rua=mailto:a@example.org", NONE, NONE),
        ("v=DMARC1; p=rejected", NONE, NONE),
        ("v=DMARC1", NONE, NONE),
        ("v=DMARC1; p=reject; adkim=s; fo=1:d:s; rf=afrf; ri=3600;;", REJECT, REJECT),
    ],
)
def test_a_record_is_read_whole(record: str, policy: Policy, of_subdomains: Policy) -> None:
    """Among them `p=reject` at the end of the record, which Amapress missed, and `pct=0`."""
    assert published([record], subdomain=False) == policy
    assert published([record], subdomain=True) == of_subdomains


def test_several_records_are_as_good_as_none() -> None:
    assert published(["v=DMARC1; p=reject", "v=DMARC1; p=reject"], subdomain=False) == NONE


@pytest.mark.parametrize(
    ("records", "domain", "policy"),
    [
        ({"example.com": ["v=DMARC1; p=reject"]}, "example.com", REJECT),
        ({"example.com": ["v=DMARC1; p=reject"]}, "mail.lists.example.com", REJECT),
        ({"example.com": ["v=DMARC1; p=reject; sp=none"]}, "mail.example.com", NONE),
        ({"example.com": ["v=DMARC1; p=none; sp=reject"]}, "mail.example.com", REJECT),
        ({"example.com": ["v=DMARC1; p=none; sp=reject"]}, "example.com", NONE),
        (
            {"mail.example.com": ["v=DMARC1; p=none"], "example.com": ["v=DMARC1; p=reject"]},
            "mail.example.com",
            NONE,
        ),
        ({"lists.example.com": ["v=DMARC1; p=reject"]}, "mail.lists.example.com", NONE),
        ({"example.co.uk": ["v=DMARC1; p=reject"]}, "mail.example.co.uk", REJECT),
        ({"co.uk": ["v=DMARC1; p=reject"]}, "example.co.uk", NONE),
        ({"example.com": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}, "example.com", NONE),
        ({"example.com": ["v=DMARC1; p=reject", "v=spf1 -all"]}, "example.com", REJECT),
        ({"mail.example.com": ["v=spf1 -all"], "example.com": ["v=DMARC1; p=reject"]}, "mail.example.com", REJECT),  # noqa: E501
        ({"example.com": ["v=DMARC10; p=reject"]}, "example.com", NONE),
        ({"example.com": ["p=reject; v=DMARC1"]}, "example.com", NONE),
        ({}, "example.com", NONE),
        ({}, "a..b", NONE),
        ({}, "", NONE),
        ({"xn--lgumes-bva.fr": ["v=DMARC1; p=reject"]}, "xn--lgumes-bva.fr", REJECT),
    ],
)  # fmt: skip
async def test_the_organisational_domain_speaks_where_the_domain_is_silent(
    names: NameServer, records: dict[str, Sequence[str]], domain: str, policy: Policy
) -> None:
    """Amapress looked neither at the organisational domain nor at `sp=`."""
    for name, texts in records.items():
        names.publish(f"_dmarc.{name}", *texts)
    assert await policies(names).of(domain) == policy


async def test_no_answer_is_no_policy_but_an_unknown_one(names: NameServer) -> None:
    names.silent.add("_dmarc.mail.example.com")
    names.publish("_dmarc.example.com", "v=DMARC1; p=none")
    assert await policies(names, silence_s=0.3).of("mail.example.com") == UNKNOWN


async def test_nobody_waits_longer_than_five_seconds(names: NameServer) -> None:
    """However many domains the authors of one post are of."""
    domains = [f"example{n}.com" for n in range(5)]
    names.silent.update(f"_dmarc.{domain}" for domain in domains)
    async with asyncio.timeout(WAIT_S):
        assert await policies(names, silence_s=10 * WAIT_S).strictest(domains) == UNKNOWN


async def test_of_several_domains_the_strictest_counts(names: NameServer) -> None:
    names.publish("_dmarc.example.com", "v=DMARC1; p=quarantine")
    names.silent.add("_dmarc.example.net")
    asking = policies(names)
    assert await asking.strictest(["example.org", "example.com"]) == QUARANTINE
    assert await policies(names, silence_s=0.3).strictest(["example.org", "example.net"]) == UNKNOWN
    assert await asking.strictest(["example.org"]) == NONE
    assert await asking.strictest([]) == NONE
    assert await asking.strictest([f"{n}.example" for n in range(50)]) == UNKNOWN


def policies(names: NameServer, *, silence_s: float = WAIT_S) -> Policies:
    return Policies(DnsResolver(("127.0.0.1", names.port), timeout_s=silence_s))
