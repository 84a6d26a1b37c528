"""A list writes to itself: `/check` proves the round trip, and learns whose word about authors counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.test_dmarc_copies import PUBLIC, signed
from tests.support.world import World, mail, parsed

HOST = "mx.example.test"
STAMPED = (
    f"Authentication-Results: {HOST}; spf=pass smtp.mailfrom=example.test; dkim=pass header.d=example.test;"
    " dmarc=pass header.from=example.test\r\n"
).encode()


async def check(world: World) -> dict[str, Any]:
    """What `/check` says of the list's mail to itself."""
    row: dict[str, Any] = (await world.rows(f"/check {world.name}"))[-1]
    return row


async def test_the_mail_comes_back_and_tells_whom_to_trust(world: World) -> None:
    await world.add_list()
    await world.members("anne@example.org")
    sent = await check(world)
    assert (sent["ok"], sent["pending"], sent["auth_host"]) == (True, True, None)
    [itself] = world.copies()
    assert (itself.mail_from, itself.recipients) == (world.address, (world.address,))
    assert parsed(itself)["Auto-Submitted"] == "auto-generated"

    assert (await check(world))["pending"]
    assert len(world.copies()) == 1, "never more than one on its way"

    below = b"Authentication-Results: forged.example; dmarc=pass\r\n"
    await world.later(seconds=12)
    await world.deliver(STAMPED + below + itself.raw)
    assert await world.state(1) == ("discarded", "self-test")
    assert world.copies() == [itself]

    await world.later(seconds=20)
    said = await world.said(f"/check {world.name}")
    assert "✅ A mail from the list to itself: OK" in said
    assert world.copies() == [itself], "what just came of it is the answer"
    assert "the list's mail to itself came back within 12 seconds" in said
    assert f"{HOST} says: SPF pass, DKIM pass, DMARC pass" in said
    assert f"/set {world.name} auth_host={HOST}" in said
    assert "forged.example" not in said
    await world.do(f"/set {world.name} auth_host={HOST}")
    assert (await check(world))["auth_host"] is None
    await world.later(minutes=10)
    assert (await check(world))["pending"]
    assert len(world.copies()) == 2


async def test_what_came_of_it_is_told_in_the_archive_and_counts_in_the_quota(world: World) -> None:
    await world.add_list(smtp_max_per_hour="1")
    await world.members("anne@example.org")
    await check(world)
    await world.deliver(STAMPED + world.copies()[0].raw)
    assert (
        "📬 the list's mail to itself came back within 0 seconds\nmx.example.test says: SPF pass"
        in await world.said("/show 1")
    )
    await world.do(f"/set {world.name} moderation=open")
    await world.deliver(mail(author="paul@example.net"))
    assert len(world.copies()) == 1
    await world.later(hours=1, minutes=1)
    assert world.copied_to() == ["anne@example.org"]


async def test_a_mail_that_does_not_come_back_is_trouble(world: World) -> None:
    await world.add_list()
    await check(world)
    [lost] = world.copies()
    await world.later(minutes=16)
    assert "has not come back" in await world.refused(f"/check {world.name}")
    assert len(world.copies()) == 2
    assert (await check(world))["pending"]

    await world.deliver(lost.raw)  # hours late: no post all the same, and the other is awaited
    assert await world.state(1) == ("discarded", "self-test")
    assert (await check(world))["pending"]
    assert len(world.copies()) == 2


async def test_nobody_else_can_write_it(world: World) -> None:
    """The word in it is known to the list alone; it is another one for each list."""
    await world.add_list(moderation="open")
    other = world.another()
    await other.add_list(moderation="open")
    await check(world)
    [itself] = world.copies()
    guess = f"<facteur-check-{'0' * 20}@example.test>"
    await world.deliver(mail(author=world.address, Message_ID=guess, subject=f"facteur [check-{'0' * 20}]"))
    await other.deliver(STAMPED + itself.raw)
    assert [(await world.state(number))[1] for number in (1, 2)] == ["open", "automatic"]
    assert (await check(world))["pending"]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (b"", "does not say whether mail is genuine; of this one, DKIM as verified here: pass"),
        (f"Authentication-Results: {HOST}; auth=pass smtp.auth=x\r\n".encode(), "does not say"),
        (
            f"Authentication-Results: {HOST}; spf=fail smtp.mailfrom=example.test; dkim=none\r\n".encode(),
            f"{HOST} says: SPF fail, DKIM none, DMARC not said",
        ),
    ],
)
async def test_what_the_host_says_of_the_lists_own_domain(world: World, field: bytes, said: str) -> None:
    """A host that stamps what its own people send, and not what comes in, is nobody to trust."""
    world.names.publish("s._domainkey.example.test", f"v=DKIM1; k=rsa; p={PUBLIC.decode()}")
    await world.add_list()
    await check(world)
    raw = world.copies()[0].raw
    await world.deliver(field + (raw if field else signed(raw, "from", "subject", domain="example.test")))
    found = await check(world)
    assert said in "\n".join(found["said"])
    assert found["auth_host"] == (HOST if b"spf" in field else None)


async def test_a_test_mail_goes_to_any_address_and_the_servers_answer_is_shown(world: World) -> None:
    """Such as one's own at another provider, or that of a service that rates mails."""
    await world.add_list()
    said = await world.said(f"/testpost {world.name} to=me@rates.example")
    [taken] = world.copies()
    assert (taken.mail_from, taken.recipients) == (world.address, ("me@rates.example",))
    assert parsed(taken)["Auto-Submitted"] == "auto-generated"
    assert said.startswith("✉️ The outgoing server took it: 250")
    world.relay.replies["me@rates.example"] = "550 5.7.1 not from here"
    refused = await world.refused(f"/testpost {world.name} to=me@rates.example")
    assert "refuses it: 550 5.7.1 not from here" in refused


async def test_where_it_cannot_be_sent_check_says_why(world: World) -> None:
    await world.add_list()
    world.relay.replies[world.address] = "550 5.1.1 no such user"
    assert "the outgoing server refuses it: 550 5.1.1 no such user" in await world.refused(
        f"/check {world.name}"
    )
    world.relay.replies.clear()
    assert (await check(world))["pending"]
