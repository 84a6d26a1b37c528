"""From, DMARC policy, `rewrite_from` and `reply_to` together; and what becomes of the author's signature."""

from __future__ import annotations

import base64
import itertools

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.core.header import split
from tests.support.world import World, mail, parsed

RECORDS = {"none": "v=DMARC1; p=none", "reject": "v=DMARC1;p=reject", "of above": "v=DMARC1; p=none; sp=quarantine"}  # fmt: skip  # noqa: E501
AUTHORS = {
    "paul@strict.example.com": "reject",
    "paul@sub.above.example.net": "of above",
    "paul@relaxed.example.com": "none",
    "paul@nothing.example.com": "",
    "paul@gmail.com": "",
    "paul@example.test": "reject",  # the list's own domain
}
REWRITTEN = {
    "always": set(AUTHORS),
    "never": set(),
    "foreign": set(AUTHORS) - {"paul@example.test"},
    "dmarc": {"paul@strict.example.com", "paul@sub.above.example.net", "paul@gmail.com"},
}


def publish(world: World) -> None:
    world.names.publish("_dmarc.strict.example.com", RECORDS["reject"])
    world.names.publish("_dmarc.above.example.net", RECORDS["none"])
    world.names.publish("_dmarc.example.net", RECORDS["of above"])
    world.names.publish("_dmarc.relaxed.example.com", RECORDS["none"])
    world.names.publish("_dmarc.example.test", RECORDS["reject"])


@pytest.mark.parametrize("held", [False, True], ids=["by itself", "by a person"])
async def test_the_table_of_from_policy_rewrite_from_and_reply_to(world: World, held: bool) -> None:
    """Field by field, for every combination: mail from Yahoo and the like bounced (CHANGELOG of Amapress,
    0.87.70), and settings fought one another (sympa-community/sympa#224, #289, #1213). The author's signature
    verifies, or is not there.
    """
    publish(world)
    await world.add_list(moderation="all" if held else "open", auth_host="mx.example.test", prefix="")
    await world.members("anne@example.org")
    numbers = itertools.count(1)
    for rewrite_from, reply_to in itertools.product(REWRITTEN, ("sender", "list")):
        await world.do(f"/set {world.name} rewrite_from={rewrite_from} reply_to={reply_to}")
        for author, own_reply_to in itertools.product(AUTHORS, ("", "Paul at home <home@example.info>")):
            written = f"Paul Durand <{author}>"
            names = (*USUAL, "reply-to") if own_reply_to else USUAL
            raw = signed(mail(author=written, to=world.address, Reply_To=own_reply_to), *names)
            await world.deliver(b"Authentication-Results: mx.example.test; dmarc=pass\r\n" + raw)
            if held:
                await world.distribute(next(numbers))
            sent = world.copies()[-1].raw
            copy, _ = split(sent)
            via = f'"Paul Durand via {world.name}" <{world.address}>'
            rewritten = author in REWRITTEN[rewrite_from]
            answers = own_reply_to or written
            if reply_to == "list":
                answers = f"{world.address}, {answers}" if rewritten else world.address
            found = {name: copy.all(name) for name in ("From", "X-Original-From", "Reply-To", "Sender")}
            assert found == {
                "From": [via if rewritten else written],
                "X-Original-From": [written] if rewritten else [],
                "Reply-To": [answers],
                "Sender": [world.address],
            }, (rewrite_from, reply_to, author)
            whole = not rewritten and (reply_to == "sender" or not own_reply_to)
            assert (copy.has("dkim-signature"), verifies(sent)) == (whole, whole), (rewrite_from, reply_to)


async def test_without_an_answer_from_is_rewritten_and_the_post_goes_on(world: World) -> None:
    world.names.silent.add("_dmarc.slow.example.com")
    await world.add_list(moderation="open", rewrite_from="dmarc")
    await world.members("anne@example.org")
    await world.deliver(mail(author="paul@slow.example.com", to=world.address))
    [copy] = world.copies()
    assert world.address in str(parsed(copy)["From"])


async def test_a_moderator_waits_for_no_name_server(world: World) -> None:
    """What is asked is asked when the post comes in."""
    publish(world)
    await world.add_list(moderation="all", rewrite_from="dmarc")
    await world.members("anne@example.org")
    await world.deliver(mail(author="paul@strict.example.com", to=world.address))
    asked = len(world.names.asked)
    assert asked
    await world.distribute(1)
    assert len(world.names.asked) == asked


# DKIM (RFC 6376)

KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
RECORD = b"v=DKIM1; k=rsa; p=" + PUBLIC


def signed(raw: bytes, *names: str, selector: str = "s", domain: str = "nothing.example.com") -> bytes:
    """The mail with one more DKIM signature, over these fields."""
    include = [name.encode() for name in names]
    signature: bytes = dkim.sign(raw, selector.encode(), domain.encode(), PRIVATE, include_headers=include)
    return signature + raw


def verifies(raw: bytes) -> bool:
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: RECORD))


USUAL = ("from", "to", "subject", "date", "message-id")


@pytest.mark.parametrize(
    ("settings", "subject", "names", "survives"),
    [
        ({"rewrite_from": "dmarc", "prefix": ""}, "Carottes", USUAL, True),
        ({"rewrite_from": "never", "prefix": ""}, "Carottes", USUAL, True),
        ({"rewrite_from": "dmarc"}, "Re: [{name}] Carottes", USUAL, True),  # the prefix is there already
        ({"rewrite_from": "dmarc"}, "Carottes", USUAL, False),  # the subject changes
        ({"rewrite_from": "dmarc"}, "Carottes", ("from", "to", "date"), True),  # it was not signed
        ({"rewrite_from": "foreign", "prefix": ""}, "Carottes", USUAL, False),  # From changes
        ({"rewrite_from": "dmarc", "prefix": ""}, "Carottes", (*USUAL, "reply-to"), False),  # none there
        ({"rewrite_from": "dmarc", "prefix": ""}, "Carottes", (*USUAL, "list-id"), False),
    ],
)  # fmt: skip
async def test_a_signature_verifies_in_the_copy_or_is_not_there(
    world: World, settings: dict[str, str], subject: str, names: tuple[str, ...], survives: bool
) -> None:
    await world.add_list(moderation="open", **settings)
    await world.members("anne@example.org")
    raw = mail(
        author="Paul <paul@nothing.example.com>",
        to=world.address,
        subject=subject.format(name=world.name),
        body="Des légumes  \r\n\r\n.\r\n\r\n\r\n".encode(),
    )
    original = signed(raw, *names)
    assert verifies(original)

    await world.deliver(original)

    copy = only(world)
    assert b"dkim-signature" in copy.lower() if survives else b"dkim-signature" not in copy.lower()
    assert verifies(copy) is survives


async def test_of_two_signatures_the_one_that_holds_is_kept(world: World) -> None:
    await world.add_list(moderation="open", rewrite_from="dmarc")
    await world.members("anne@example.org")
    raw = mail(author="Paul <paul@nothing.example.com>", to=world.address)

    await world.deliver(signed(signed(raw, *USUAL, selector="all"), "from", "date", selector="few"))

    copy = only(world)
    assert [b"s=few" in copy, b"s=all" in copy] == [True, False]
    assert verifies(copy)


def only(world: World) -> bytes:
    """The one copy, as the relay took it."""
    [copy] = world.copies()
    return copy.raw
