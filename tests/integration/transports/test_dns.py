"""Records from a real name server: answers, silence, and what is remembered of both."""

from __future__ import annotations

import pytest

from tests.support.names import NameServer
from tests.support.patience import WAIT_S
from transports.dns import DnsResolver


def resolver(names: NameServer, timeout_s: float = WAIT_S) -> DnsResolver:
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
    asked = len(names.asked)
    assert await asking.texts("slow.example.com") is None
    assert len(names.asked) == asked


async def test_a_broken_server_gives_no_answer(names: NameServer) -> None:
    names.broken.add("example.com")
    assert await resolver(names).texts("example.com") is None


async def test_services_come_by_priority_and_weight(names: NameServer) -> None:
    """RFC 2782; a target of a dot says that there is none, and comes to nothing."""
    name = "_imaps._tcp.example.com"
    names.names_servers(
        "SRV", name, "5 0 993 c.example.com.", "1 1 993 b.example.com.", "1 9 1993 A.example.com."
    )
    names.names_servers("SRV", "_pop3s._tcp.example.com", "0 0 0 .")
    asking = resolver(names)
    found = await asking.services(name) or ()
    assert [(each.host, each.port, each.priority) for each in found] == [
        ("a.example.com", 1993, 1),
        ("b.example.com", 993, 1),
        ("c.example.com", 993, 5),
    ]
    assert await asking.services("_pop3s._tcp.example.com") == []
    assert not await asking.services("_imap._tcp.example.com")


async def test_exchanges_come_by_preference(names: NameServer) -> None:
    names.names_servers("MX", "example.com", "50 second.example.net.", "5 First.example.net.")
    names.names_servers("MX", "closed.example.com", "0 .")  # RFC 7505
    asking = resolver(names)
    assert await asking.exchanges("example.com") == ["first.example.net", "second.example.net"]
    assert await asking.exchanges("closed.example.com") == []
    assert not await asking.exchanges("missing.example.com")


async def test_silence_about_one_kind_of_record_says_nothing_of_another(names: NameServer) -> None:
    names.silent.add("example.com")
    asking = resolver(names, timeout_s=1.0)
    assert await asking.exchanges("example.com") is None
    names.silent.clear()
    names.publish("example.com", "one")
    assert await asking.texts("example.com") == ("one",)
