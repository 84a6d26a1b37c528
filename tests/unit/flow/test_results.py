"""Authentication-Results as receiving hosts write them, and what they mean for an author's domain."""

from __future__ import annotations

import pytest

from bot.core.authentication import Finding
from bot.flow.results import authserv_id, judged, results, results_fields
from tests.unit.flow.posts import a_header

GENUINE, FORGED, UNPROVEN, UNKNOWN = Finding.GENUINE, Finding.FORGED, Finding.UNPROVEN, Finding.UNKNOWN


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ("dmarc=pass (p=none) header.from=example.org", GENUINE),
        ("dmarc=pass", GENUINE),
        (
            "dmarc=fail (p=reject dis=none) header.from=example.org; spf=pass smtp.mailfrom=example.org",
            FORGED,
        ),
        ("dmarc=pass header.from=evil.example", UNPROVEN),  # it reads From in another way
        ("dmarc=fail header.from=evil.example; spf=pass smtp.mailfrom=example.org", UNPROVEN),
        ("dmarc=none header.from=evil.example; dmarc=pass header.from=example.org", GENUINE),
        ("dmarc=none; spf=pass smtp.mailfrom=anne@mail.example.org; dkim=none", GENUINE),
        ("spf=pass smtp.mailfrom=example.org", GENUINE),
        ("dkim=pass (2048-bit key) header.d=example.org header.i=@example.org header.b=abcd", GENUINE),
        ("dkim=pass header.i=@news.example.org", GENUINE),
        ("dkim=fail header.d=example.org; dkim=pass header.d=example.org; spf=fail", GENUINE),
        ("spf=pass smtp.mailfrom=bounce@evil.example; dkim=none", FORGED),
        ("spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example", FORGED),
        ("spf=fail smtp.mailfrom=example.org; dkim=none", FORGED),
        ("spf=softfail smtp.mailfrom=example.org; dkim=fail header.d=example.org", FORGED),
        ("spf=none smtp.mailfrom=example.org; dkim=none", UNPROVEN),
        ("spf=neutral; dkim=temperror", UNPROVEN),
        ("spf=fail smtp.mailfrom=example.org", UNKNOWN),  # of DKIM it says nothing
        ("dkim=none", UNKNOWN),
        ("auth=pass smtp.auth=anne", UNKNOWN),
        ("none", UNKNOWN),
    ],
)
def test_results_vouch_for_an_author_or_do_not(said: str, finding: Finding) -> None:
    found = results(f"Authentication-Results: mx.example.net; {said}\r\n".encode())
    assert found is not None
    assert judged(found, "example.org") == finding


@pytest.mark.parametrize(
    "said", [b"spf", b"spf=", b"spf=pass (((", b"\xff\xfe", b"spf=pass " * 5_000, b"", b"spf=pass smtp.="]
)
def test_what_cannot_be_read_says_nothing(said: bytes) -> None:
    found = results(b"Authentication-Results: mx.example.net; " + said)
    assert found is None or judged(found, "example.org") == UNKNOWN


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("mx.example.net; none", "mx.example.net"),
        ("MX.example.net 1; none", "mx.example.net"),
        (" (by us) mx.example.net;none", "mx.example.net"),
        ('"mx.example.net"; none', "mx.example.net"),
        ("mx.example.net.evil.example; none", "mx.example.net.evil.example"),
        ("", ""),
    ],
)
def test_a_field_names_its_host(value: str, host: str) -> None:
    assert authserv_id(f"Authentication-Results:{value}".encode()) == host


def test_only_the_fields_of_the_host_are_its() -> None:
    header = a_header(
        "Authentication-Results: other.example; spf=pass",
        "Authentication-Results: mx.example.net; spf=fail",
        "Authentication-Results: mx.example.net; spf=pass",
    )
    assert [b"fail" in field for field in results_fields(header, "MX.example.net")] == [True, False]
    assert results_fields(header, "") == []
