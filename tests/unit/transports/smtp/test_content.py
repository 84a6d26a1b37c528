"""What goes over the wire is the mail, whatever its octets."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from transports.smtp.content import prepared

MAILS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"a", b"\xe9", b"\0"])).map(b"".join)


def received(octets: bytes) -> bytes:
    """What a server makes of it: RFC 5321 section 4.5.2."""
    lines = octets.split(b"\r\n")
    end = lines.index(b".")
    assert lines[end + 1 :] == [b""], "nothing stands behind the lone dot"
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:end])


@given(MAILS | st.binary())
def test_a_server_receives_the_same_octets_line_ends_aside(mail: bytes) -> None:
    """Every CR, LF or CRLF is one line end, the last line has one, and nothing else differs."""
    content = prepared(mail)

    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", mail)
    expected = lines if not lines or lines.endswith(b"\r\n") else lines + b"\r\n"
    assert received(content.octets) == expected
    assert content.size == len(expected)
    assert content.eight_bit is any(octet > 127 for octet in mail)


@given(st.lists(st.binary().map(lambda line: line.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n")))
def test_lines_that_are_right_stay_as_they_are(lines: list[bytes]) -> None:
    """CRLF mail arrives byte for byte."""
    assert received(prepared(b"".join(lines)).octets) == b"".join(lines)
