"""A relay that lacks 8BITMIME or SMTPUTF8: as many as possible get their copy, and people learn the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.deliveries import Obstacle
from bot.core.header import split
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.samples import samples, signed
from tests.support.smtp_server import SmtpServer, Taken
from tests.support.stores import BOTH
from tests.support.world import World, mail, opened_world, parsed

ANNA, BEA, CLEO = "anna@example.org", "bea@example.org", "cleo@example.org"
ELENE = "élène@example.org"
OLGA = "olga@example.org"


async def a_list(world: World, *members: str, **settings: str) -> None:
    """One that Olga looks after, and that tells authors nothing."""
    quiet = {"moderation": "open", "notify_auto": "no"}
    await world.add_list(**quiet | settings)
    await world.members(*(members or (ANNA, BEA, CLEO)))
    await world.do(f"/addowner {world.name} Olga <{OLGA}>")


def letters(world: World) -> list[Taken]:
    """What owners got."""
    return [taken for taken in world.copies() if taken.recipients == (OLGA,)]


def text_of(taken: Taken) -> str:
    part = parsed(taken).get_body(("plain",))
    assert part
    return " ".join(str(part.get_content()).split())


@BOTH
async def test_owners_are_told_once_of_a_signed_post_that_cannot_leave(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock, database_url: str
) -> None:
    """One letter for a post, whatever the number of its batches and of further attempts."""
    smtp_server.eight_bit = False
    async with opened_world(
        tmp_path / "data", dovecot, smtp_server, clock, database_url=database_url, max_recipients=2
    ) as world:
        await a_list(world)
        await world.deliver(signed())
        assert await world.counts(1) == {"bounced": 3}
        assert await world.state(1) == ("distributed", "open")

        await world.do("/retry 1")
        await world.pass_()

        [letter] = letters(world)
        assert world.copies() == [letter]
        assert parsed(letter)["Subject"] == "A message did not reach the members: Les paniers"
        assert parsed(letter)["Auto-Submitted"] == "auto-generated"
        said = text_of(letter)
        assert "Les paniers, by Paul Durand, of 10 March 2026 (number 1 in the moderators' room)" in said
        assert "send it once more without a signature" in said
        assert "/retry 1" in said


async def test_the_card_and_errors_say_why(world: World) -> None:
    """And nobody is blamed for it."""
    world.relay.eight_bit = False
    await a_list(world)
    for _ in range(6):
        await world.deliver(signed().replace(b"<1@", b"<%d@" % len(world.copies())))
        await world.later(days=1)

    assert f"0/3 sent, 3 bounced\n⚠️ Refused: {Obstacle.SIGNED}" in await world.said("/show 1")
    assert f"#1 → {ANNA}: refused for good, 10 Mar, 10:00 ({Obstacle.SIGNED})" in (
        await world.said(f"/errors {world.name}")
    )
    assert await world.rows("/bounces") == []


async def test_with_another_relay_it_leaves_after_all(world: World) -> None:
    """As the letter says."""
    world.relay.eight_bit = False
    await a_list(world)
    await world.deliver(signed())
    world.relay.eight_bit = True
    await world.do("/retry 1")
    await world.pass_()
    assert world.copied_to() == [ANNA, BEA, CLEO]
    assert await world.counts(1) == {"delivered": 3}
    assert len(letters(world)) == 1
    assert "Refused" not in await world.said("/show 1")


async def test_the_letter_counts_in_the_quota(world: World) -> None:
    world.relay.eight_bit = False
    await a_list(world, smtp_max_per_hour="3")
    await world.deliver(signed())
    assert (await world.counts(1), letters(world)) == ({"bounced": 3}, [])
    await world.later(minutes=61)
    assert len(letters(world)) == 1


async def test_a_post_of_too_many_parts_is_told_in_its_own_words(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> None:
    """As every reason is in the reader's language."""
    smtp_server.eight_bit = False
    async with opened_world(tmp_path / "data", dovecot, smtp_server, clock, language="fr") as world:
        await a_list(world)
        part = b"--o\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa9\r\n"
        fields = b"From: paul@example.net\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
        await world.deliver(fields + part * 600 + b"--o--\r\n", signed())
        parts, signature = letters(world)
        assert parsed(parts)["Subject"] == "Un message n'est pas parvenu aux membres : (sans objet)"
        assert "sous une forme plus simple" in text_of(parts)
        assert "signature" not in text_of(parts)
        assert "de le renvoyer sans signature" in text_of(signature)
        assert "⚠️ Refusé : 5.6.3 le serveur d'envoi n'accepte pas" in await world.said("/show 1")
        assert "demandez-le sans signature)" in await world.said("/errors")


async def test_an_unsigned_post_leaves_in_seven_bits(world: World) -> None:
    """And says the same: nobody needs to be told."""
    world.relay.eight_bit = False
    await a_list(world)
    await world.deliver(samples()["8-bit UTF-8"].raw)
    [copy] = world.copies()
    assert split(copy.raw)[1].isascii()
    assert "Bonjour à tous" in text_of(copy)


@pytest.mark.parametrize("taken", [True, False], ids=["SMTPUTF8", "no SMTPUTF8"])
async def test_a_member_and_an_author_outside_ascii(world: World, taken: bool) -> None:
    """Members within ASCII get their copies either way; the other one where the relay can.

    Elsewhere the words say what to do, and no address is suspended, for days or for ever.
    """
    world.relay.utf8 = taken
    await a_list(world, ANNA, ELENE, BEA, notify_auto="yes")
    await world.do(f"/addmember {world.name} Zoé <zoé@example.net>")
    for number in range(6):
        await world.deliver(mail(author="Zoé <zoé@example.net>", subject=f"Carottes {number}"))
        await world.later(days=1)

    others = [ELENE, "zoé@example.net"]
    assert [each for each in world.copied_to() if each.isascii()] == [ANNA] * 6 + [BEA] * 6
    assert [each for each in world.copied_to() if not each.isascii()] == (sorted(others * 6) if taken else [])
    assert world.sent_to().count("zoé@example.net") == (12 if taken else 0)  # copies and notices
    copy = next(each for each in world.copies() if ANNA in each.recipients)
    assert "zoé@example.net" in str(parsed(copy)["Reply-To"])
    assert await world.counts(1) == ({"delivered": 4} if taken else {"delivered": 2, "bounced": 2})
    assert await world.rows("/bounces") == []
    if not taken:
        assert f"2/4 sent, 2 bounced, last at 10 Mar, 10:00\n⚠️ Refused: {Obstacle.UTF8_ADDRESS}" in (
            await world.said("/show 1")
        )
        errors = await world.said(f"/trace {ELENE}")
        assert f"{ELENE}: refused for good, 10 Mar, 10:00 ({Obstacle.UTF8_ADDRESS})" in errors
