"""Who a post is really from: a forged one is held with a warning, a genuine one passes; the card says why."""

from __future__ import annotations

import pytest

from tests.integration.test_dmarc_copies import PUBLIC, signed
from tests.support.world import World, mail

HOST = "mx.example.test"
MODERATOR = "Mona <mona@strict.example.com>"
GENUINE = f"{HOST}; dmarc=pass header.from=strict.example.com"
FORGED = f"{HOST}; dmarc=fail header.from=strict.example.com"


async def a_list(world: World, **settings: str) -> None:
    """With a moderator, whose domain publishes a strict policy and a key."""
    world.names.publish("_dmarc.strict.example.com", "v=DMARC1; p=reject")
    key = PUBLIC.decode()
    for domain in ("strict.example.com", "relaxed.example.com", "evil.example.net"):
        world.names.publish(f"s._domainkey.{domain}", f"v=DKIM1; k=rsa; p={key}")
    await world.add_list(**settings)
    await world.members("anne@example.org")
    for address in (MODERATOR, "max@relaxed.example.com"):
        await world.do(f"/addmoderator {world.name} {address}")


def stamped(raw: bytes, *results: str) -> bytes:
    return b"".join(f"Authentication-Results: {each}\r\n".encode() for each in results) + raw


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([GENUINE], ("distributed", "moderator")),
        ([FORGED], ("held", "forged")),
        ([FORGED, GENUINE], ("held", "forged")),  # the author wrote the second one
        (["elsewhere.example; dmarc=pass", FORGED], ("held", "forged")),
        ([f"{HOST}; spf=pass smtp.mailfrom=evil.example; dkim=none"], ("held", "forged")),
        ([f"{HOST}; spf=none; dkim=none"], ("held", "forged")),
        ([f"{HOST}; spf=pass smtp.mailfrom=strict.example.com; dkim=none"], ("distributed", "moderator")),
    ],
)
async def test_the_receiving_host_says_whose_a_post_is(
    world: World, results: list[str], verdict: tuple[str, str]
) -> None:
    await a_list(world, auth_host=HOST)
    await world.deliver(stamped(mail(author=MODERATOR), *results))
    assert await world.state(1) == verdict
    if verdict == ("held", "forged"):
        said = await world.said("/show 1")
        assert "⚠️ Why it is held: somebody else may have written it" in said
        assert HOST in said


@pytest.mark.parametrize(
    ("author", "selector", "domain", "verdict"),
    [
        ("mona@strict.example.com", "s", "strict.example.com", ("distributed", "moderator")),
        ("mona@strict.example.com", "s", "evil.example.net", ("held", "forged")),
        ("mona@strict.example.com", "other", "strict.example.com", ("held", "forged")),
        ("mona@strict.example.com", "", "", ("held", "forged")),
        ("max@relaxed.example.com", "", "", ("distributed", "moderator")),
        ("max@relaxed.example.com", "s", "evil.example.net", ("distributed", "moderator")),
    ],
)
async def test_where_the_host_says_nothing_the_signature_does(
    world: World, author: str, selector: str, domain: str, verdict: tuple[str, str]
) -> None:
    """A domain that asks for nothing may be anybody's; one with a strict policy must have signed."""
    await a_list(world)
    raw = mail(author=author)
    await world.deliver(signed(raw, "from", "subject", selector=selector, domain=domain) if domain else raw)
    assert await world.state(1) == verdict


async def test_results_that_nobody_told_us_to_trust_are_ignored(world: World) -> None:
    await a_list(world)
    await world.deliver(stamped(mail(author=MODERATOR), GENUINE))
    assert await world.state(1) == ("held", "forged")


async def test_a_silent_name_server_holds_nobody_back(world: World) -> None:
    await a_list(world)
    world.names.silent.add("_dmarc.strict.example.com")
    await world.deliver(mail(author=MODERATOR))
    assert await world.state(1) == ("distributed", "moderator")


async def test_a_body_with_more_than_was_signed_is_not_the_authors(world: World) -> None:
    await a_list(world)
    genuine = signed(mail(author=MODERATOR), "from", domain="strict.example.com")
    await world.deliver(genuine + b"Et achetez ceci\r\n")
    assert await world.state(1) == ("held", "forged")


async def test_a_mail_too_large_to_verify_does_not_pass_for_its_size(world: World) -> None:
    """A forger would only have to write much."""
    await a_list(world)
    body = b"\r\n" * 1_000_001
    await world.deliver(signed(mail(author=MODERATOR, body=body), "from", domain="strict.example.com"))
    assert await world.state(1) == ("held", "forged")
    assert "this one is too large to verify" in await world.said("/show 1")


async def test_many_authors_do_not_hide_that_one_is_forged(world: World) -> None:
    """Of so many domains none is asked about, so a person looks."""
    await a_list(world)
    authors = [MODERATOR, *(f"mona@{name}.example.org" for name in ("a", "b", "c"))]
    for address in authors[1:]:
        await world.do(f"/addmoderator {world.name} {address}")
    await world.deliver(mail(author=", ".join(authors)))
    assert await world.state(1) == ("held", "forged")


async def test_an_open_list_holds_what_is_forged(world: World) -> None:
    await a_list(world, moderation="open", auth_host=HOST)
    await world.deliver(stamped(mail(author="eve@strict.example.com"), FORGED))
    assert await world.state(1) == ("held", "forged")


@pytest.mark.parametrize(
    ("settings", "results", "sentence"),
    [
        ({"auth_host": HOST}, [GENUINE], f"✔ {HOST} confirms that it comes from strict.example.com"),
        ({"auth_host": HOST}, [FORGED], f"⚠️ {HOST} says that it does not come from strict.example.com"),
        ({}, [], "⚠️ verified here: strict.example.com vouches for all of its mail"),
    ],
)
async def test_the_card_says_who_vouches_for_the_author(
    world: World, settings: dict[str, str], results: list[str], sentence: str
) -> None:
    await a_list(world, moderation="all", **settings)
    await world.deliver(stamped(mail(author="Eve <eve@strict.example.com>"), *results))
    assert sentence in await world.said("/show 1")


async def test_the_card_says_that_nobody_looked(world: World) -> None:
    await a_list(world)
    await world.deliver(mail(author="eve@nothing.example"))
    said = await world.said("/show 1")
    assert "❔ not verified: nothing proves that it comes from nothing.example" in said


async def test_the_card_points_out_whom_an_author_could_be_taken_for(world: World) -> None:
    await a_list(world)
    await world.members("Jeanne Dupont <jeanne.dupont@example.org>")
    await world.deliver(
        mail(author="Jeanne Dupont <jeanne.dupont@exarnple.org>"), mail(author="Luc <luc@example.net>")
    )
    assert "Not the same as Jeanne Dupont <jeanne.dupont@example.org>" in await world.said("/show 1")
    assert "Not the same as" not in await world.said("/show 2")


async def test_a_forged_author_is_told_nothing(world: World) -> None:
    """They did not write it: a notice would reach somebody who knows of nothing.

    Notices to forged senders hurt a server's reputation (mozilla/addons#6756).
    """
    await a_list(world, auth_host=HOST)
    await world.deliver(
        stamped(mail(author=MODERATOR), FORGED),
        stamped(mail(author=MODERATOR), f"{HOST}; spf=none; dkim=none"),
    )
    await world.do("/reject 1 non")
    await world.do("/reject 2 non")
    await world.pass_()
    assert [taken.recipients for taken in world.copies()] == [("mona@strict.example.com",)]
