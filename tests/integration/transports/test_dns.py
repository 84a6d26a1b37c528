"""Text records from a real name server: answers, silence, and what is remembered of both."""

from __future__ import annotations

import time

import pytest

from tests.support.names import NameServer
from transports.dns import DnsResolver


def resolver(names: NameServer, timeout_s: float = 4.0) -> DnsResolver:
    return DnsResolver(("127.0.0.1", names.port), timeout_s)


async def test_every_record_of_a_name_is_found(names: NameServer) -> None:
    names.publish("_dmarc.example.com", "v=DMARC1; p=reject", "something else")
    assert sorted(await resolver(names).texts("_dmarc.example.com") or ()) == [
        "something else",
        "v=DMARC1; p=reject",
    ]


async def test_the_strings_of_one_record_belong_together(names: NameServer) -> None:
    """A DKIM key of 2048 bits does not fit into one string of 255 octets."""
    names.publish("key._domainkey.example.com", '"v=DKIM1; p=' + "A" * 200 + '" "' + "B" * 200 + '"')
    assert await resolver(names).texts("key._domainkey.example.com") == (
        "v=DKIM1; p=" + "A" * 200 + "B" * 200,
    )


async def test_a_name_without_text_records_has_none(names: NameServer) -> None:
    names.records["empty.example.com"] = []
    found = [await resolver(names).texts(name) for name in ("empty.example.com", "missing.example.com")]
    assert found == [(), ()]


@pytest.mark.parametrize("name", ["_dmarc.a..b", f"_dmarc.{'x' * 70}.fr", "_dmarc." + "x." * 130 + "fr"])
async def test_a_name_that_cannot_exist_is_not_asked_for(names: NameServer, name: str) -> None:
    assert await resolver(names).texts(name) == ()
    assert names.asked == []


async def test_an_answer_is_kept(names: NameServer) -> None:
    names.publish("example.com", "one")
    asking = resolver(names)
    assert [await asking.texts("example.com"), await asking.texts("example.com")] == [("one",), ("one",)]
    assert names.asked == ["example.com"]


async def test_silence_is_no_answer_and_is_waited_for_once(names: NameServer) -> None:
    names.silent.add("slow.example.com")
    asking = resolver(names, timeout_s=0.2)
    assert await asking.texts("slow.example.com") is None
    asked, began = len(names.asked), time.monotonic()
    assert await asking.texts("slow.example.com") is None
    assert time.monotonic() - began < 0.1
    assert len(names.asked) == asked


async def test_a_broken_server_gives_no_answer(names: NameServer) -> None:
    names.broken.add("example.com")
    assert await resolver(names, timeout_s=0.3).texts("example.com") is None
