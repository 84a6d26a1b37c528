"""A mail taken apart: as the email package would where that is affordable, and bounded everywhere."""

from __future__ import annotations

import base64
import email
import email.policy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.header import split
from bot.core.parts import DEPTH_LIMIT, PARTS_LIMIT, Part, Taken, take_apart

quick = settings(max_examples=150)


def taken(raw: bytes) -> Taken:
    return take_apart(*split(raw))


def contents(raw: bytes) -> list[bytes]:
    return [part.content() for part in taken(raw).parts]


def only(raw: bytes) -> Part:
    [part] = taken(raw).parts
    return part


def mixed(*parts: bytes, end: bytes = b"\r\n", boundary: bytes = b"b") -> bytes:
    lines = [b"Content-Type: multipart/mixed; boundary=" + boundary, b""]
    for part in parts:
        lines += [b"--" + boundary, part]
    return end.join([*lines, b"--" + boundary + b"--", b""])


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_parts_are_found_whatever_ends_a_line(end: bytes) -> None:
    """The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)."""
    raw = mixed(end + b"one" + end, b"Content-Type: text/html" + end + end + b"two", end=end)
    assert contents(raw) == [b"one" + end, b"two"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"before\r\n--b\r\n\r\none\r\n--b--\r\nafter\r\n--b\r\n\r\nno", [b"one"]),
        (b"--b \t\r\n\r\none\r\n--b-- \r\n", [b"one"]),
        (b"--b\r\n\r\none", [b"one"]),
        (b"--b\r\n\r\none\r\n--bb\r\n--b-\r\n--", [b"one\r\n--bb\r\n--b-\r\n--"]),
        (b"--b\r\none\r\n--b--", [b"one"]),
        (b"--b\r\nX: y\r\none\r\n--b--", [b"one"]),
        (b"--b\r\n--b\r\n--b--", [b"", b""]),
        (b"--b", [b""]),
        (b"--b--", []),
        (b"", [b""]),
        (b"nothing of the kind", [b"nothing of the kind"]),
        (b" --b\r\n\r\none", [b" --b\r\n\r\none"]),
    ],
)
def test_boundaries_that_are_wrong(body: bytes, found: list[bytes]) -> None:
    assert contents(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body) == found


@pytest.mark.parametrize("boundary", ['""', '"', "b" * 300, "", "\x00"])
def test_a_boundary_that_cannot_be_used_makes_text_of_it(boundary: str) -> None:
    fields = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    assert only(fields + b"--x\r\n\r\none").content_type == "text/plain"


def test_an_outer_boundary_ends_the_inner_parts() -> None:
    inner = b"Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\none"
    assert contents(mixed(inner, b"\r\ntwo")) == [b"one", b"two"]


def test_an_inner_multipart_without_parts_is_text() -> None:
    inner = b"Content-Type: multipart/alternative; boundary=i\r\n\r\none"
    assert contents(mixed(inner, b"\r\ntwo")) == [b"one", b"two"]


def test_an_enclosed_mail_is_one_part_byte_for_byte() -> None:
    enclosed = mixed(b"\r\none", boundary=b"i")
    assert contents(mixed(b"Content-Type: message/rfc822\r\n\r\n" + enclosed + b"x")) == [enclosed + b"x"]


def test_the_parts_of_a_digest_are_mails() -> None:
    raw = mixed(b"\r\nSubject: x\r\n\r\none").replace(b"mixed", b"digest")
    assert only(raw).content_type == "message/rfc822"


@pytest.mark.parametrize(
    ("encoding", "content", "octets"),
    [
        (b"base64", b"w6l0w6k=", "été".encode()),
        (b" BASE64 ", b"w6l0\r\nw6k", "été".encode()),
        (b"base64", b"!w6l0*w6k=\r\n!!", "été".encode()),
        (b"base64", b"=====", b""),
        (b"base64", b"A", b""),
        (b"base64", b"w6l0w", "ét".encode()),
        (b"quoted-printable", b"=C3=A9=\r\nt_ =ZZ=", b"\xc3\xa9t_ =ZZ"),
        (b"x-uuencode", b"begin 644 a\r\n#86)C\r\n`\r\nend\r\n#86)C", b"abc"),
        (b"x-uuencode", b"no beginning", b"no beginning"),
        (b"x-uuencode", b"begin 644 a\r\n\xff\xff\r\n#86)C\r\n", b"abc"),
        (b"8bit", b"\xff\x00", b"\xff\x00"),
        (b"nonsense", b"=41", b"=41"),
    ],
)
def test_content_is_decoded_as_far_as_it_can_be(encoding: bytes, content: bytes, octets: bytes) -> None:
    part = only(b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + content)
    assert part.content() == octets
    assert part.size_octets == len(octets)


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_a_beginning_is_no_longer_than_asked_for_and_ends_with_a_line(encoding: str) -> None:
    text = "été\n".encode() * 1_000
    coded = base64.encodebytes(text) if encoding == "base64" else text
    part = only(f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + coded)
    beginning = part.beginning(503)
    assert len(beginning) in range(498, 504)
    assert beginning.endswith(b"\n")
    assert text.startswith(beginning)
    assert part.beginning(10_000) == text


# What is too much is not looked at, and that is told


def test_parts_without_end_are_not_all_listed() -> None:
    found = taken(mixed(*[b"\r\nx"] * (PARTS_LIMIT + 100)))
    assert (len(found.parts), found.whole) == (PARTS_LIMIT, False)
    found = taken(mixed(*[b"\r\nx"] * PARTS_LIMIT))
    assert (len(found.parts), found.whole) == (PARTS_LIMIT, True)


def test_parts_within_parts_are_opened_to_a_depth() -> None:
    def nested(depth: int) -> Taken:
        levels = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth)
        )
        return taken(levels + b"\r\none")

    assert (nested(DEPTH_LIMIT).parts[0].content(), nested(DEPTH_LIMIT).whole) == (b"one", True)
    assert (len(nested(DEPTH_LIMIT + 1).parts), nested(DEPTH_LIMIT + 1).whole) == (1, False)


def test_lines_that_look_like_boundaries_are_not_all_tried() -> None:
    found = taken(mixed(b"\r\none\r\n" + b"--c\r\n" * 60_000))
    assert (len(found.parts), found.whole) == (1, False)


def test_a_part_s_header_without_end_is_not_read_to_the_end() -> None:
    fields = b"X: y\r\n" * 200 + b"Content-Type: image/png\r\n"
    part = only(mixed(fields + b"\r\none"))
    assert part.content_type == "text/plain"
    assert b"image/png" in part.content()


def test_a_field_of_parameters_without_end_is_not_read_to_the_end() -> None:
    part = only(b"Content-Type: image/png" + b"; x=y" * 1_000 + b"; name=late.png\r\n\r\n")
    assert (part.content_type, part.file_name) == ("image/png", "")


@pytest.mark.parametrize("parameter", ["{}*=undefined''%E9", "{}*=x; {}*0=y", "{}*9" + "9" * 4_500 + "=x"])
@pytest.mark.parametrize("name", ["name", "charset", "boundary"])
def test_a_parameter_that_cannot_be_read_says_nothing(name: str, parameter: str) -> None:
    """And its part is there all the same; the email package raises a different error for each."""
    kind = "multipart/mixed" if name == "boundary" else "text/plain"
    part = only(f"Content-Type: {kind}; {parameter.replace('{}', name)}\r\n\r\none".encode())
    assert (part.content_type, part.content(), part.file_name) == ("text/plain", b"one", "")


_LINES = [
    b"--b", b"--b--", b"--i", b"--i--", b"", b"", b"text", b"Content-Type: text/html",
    b'Content-Type: multipart/mixed; boundary="i"', b"Content-Type: message/rfc822",
    b"Content-Transfer-Encoding: base64", b"w6k=",
]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(_LINES), max_size=25))
def test_text_and_files_are_those_of_the_email_package(lines: list[bytes]) -> None:
    """Of a mail that is within all limits, and whose multiparts are closed as they should be."""
    body = b"\r\n".join([b"--b", b"", b"text", *lines, b"--b--", b""])
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    defects = [each for part in message.walk() for each in part.defects]
    enclosing = any(part.get_content_maintype() == "message" for part in message.walk())
    in_a_row = re.search(rb"--[bi](--)?\r\n--[bi]", body)  # no end of a header for it
    if defects or enclosing or in_a_row or any(part.get_payload() == [] for part in message.walk()):
        return
    theirs = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    assert contents(raw) == theirs
