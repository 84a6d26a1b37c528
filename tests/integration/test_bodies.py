"""Whatever its shape, a mail's body reaches members byte for byte, and a moderator can read its card."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.requirements import missing_server
from tests.support.samples import samples, signed
from tests.support.world import World

CHANGED = {b"from", b"subject"}
ADDED = {
    b"x-original-from", b"reply-to", b"sender", b"list-id", b"list-post", b"list-unsubscribe",
    b"list-owner", b"precedence", b"x-loop",
}  # fmt: skip
"""Fields of the copy that none of the samples has."""


def taken_apart(raw: bytes) -> tuple[list[bytes], bytes]:
    """The fields of a mail, each with its folds, and the body as SMTP must carry it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", head.removesuffix(b"\r\n"))
    return fields, body if not body or body.endswith(b"\r\n") else body + b"\r\n"


def name_of(field: bytes) -> bytes:
    """In lower case; empty for a line that is no field."""
    found = re.match(rb"([!-9;-~]+):", field)
    return found[1].lower() if found else b""


async def held(world: World, raw: bytes) -> None:
    """One mail in the mailbox of a list with one member, taken in and held."""
    await world.add_list(moderation="all")
    await world.members("anne@example.org")
    await world.deliver(raw)
    assert await world.state(1) == ("held", "default")


@pytest.mark.parametrize("name", samples())
async def test_a_moderator_can_read_it_and_members_get_it_unchanged(world: World, name: str) -> None:
    """The body as it was, and every field that the list does not have to change.

    Amapress broke such mails (its CHANGELOG: 0.82.10, 0.91.75, 0.99.50), and sent some without attachments;
    so did Sympa (sympa-community/sympa#1138), and a bad Date was too much for CaliOpen/Caliopen#1388.
    """
    sample = samples()[name]
    await held(world, sample.raw)
    card = await world.said("/show 1")

    await world.distribute(1)

    assert sample.shown in card
    assert "Les paniers" in card
    assert "Paul Durand <paul@example.net>" in card
    assert "damaged" not in card
    [copy] = world.copies()
    fields, body = taken_apart(sample.raw)
    fields_sent, body_sent = taken_apart(copy.raw)
    kept = [field for field in fields if name_of(field) not in {b"", *CHANGED}]
    assert body == body_sent
    missing = {b"message-id", b"date"} - {name_of(field) for field in fields}  # the same in every copy
    assert kept == [field for field in fields_sent if name_of(field) not in CHANGED | ADDED | missing]
    assert missing <= {name_of(field) for field in fields_sent}


async def test_a_signature_still_verifies(world: World, tmp_path: Path) -> None:
    """S/MIME covers every byte of the signed part; the rest of the mail is the list's to change.

    A signature is broken by any change inside (RFC 8551 section 3.1.1).
    """
    openssl = shutil.which("openssl") or missing_server("openssl is not installed: apt install openssl")

    def verifies(mail: bytes) -> bool:
        (tmp_path / "mail").write_bytes(mail)
        command = [openssl, "smime", "-verify", "-noverify", "-in", str(tmp_path / "mail")]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    await held(world, signed())
    await world.distribute(1)

    [copy] = world.copies()
    assert verifies(copy.raw)
    assert not verifies(copy.raw.replace(b"poireaux", b"Poireaux"))


async def test_bare_line_ends_become_crlf_on_the_way_out_and_nothing_else_changes(world: World) -> None:
    """A delivery agent that writes maildirs leaves LF; IMAP serves CRLF; a lone CR is repaired by us."""
    await world.add_list(moderation="all")
    await world.members("anne@example.org")
    raw = b"From: paul@example.net\nSubject: LF\n\nun\ndeux\n.trois\rquatre \ncinq"
    world.dovecot.drop(world.mailbox, raw, "1.lf")

    await world.pass_()
    await world.distribute(1)

    [copy] = world.copies()
    assert taken_apart(copy.raw)[1] == b"un\r\ndeux\r\n.trois\r\nquatre \r\ncinq\r\n"
