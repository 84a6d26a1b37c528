"""flufl.bounce, which knows how a few dozen servers write their reports, asked at a bounded cost.

Its expressions look back over what they have read: the time that they take grows with the square of the
length of a word, of a run of blanks, of a line, and with the cube of the brackets in a line that close
nowhere. So it gets lines as servers write them, and of all others only a beginning.
"""

from __future__ import annotations

import email
import email.policy
import logging
import re
from collections.abc import Sequence

from bot.core.charsets import undeclared

_OCTETS_LIMIT = 50_000
_LINE_LIMIT = 400
_BRACKETS_LIMIT = 10
_LONG_WORD = re.compile(rb"(?<!\S)(\S{200})\S+")
_LONG_BLANK = re.compile(rb"(?<!\s)(\s{20})\s+")


def detected(report: bytes) -> tuple[Sequence[str], Sequence[str]]:
    """The addresses that got it late, and those that did not get it, each as it was written.

    Raises:
        Exception: `bot.core.parts.PARSE_ERRORS`, where it stumbles over the report.
    """
    from flufl.bounce import all_failures

    # one of its detectors that stumbles over a mail would print a traceback with words of it
    logging.getLogger("flufl.bounce").disabled = True
    message = email.message_from_bytes(_tidied(report), policy=email.policy.compat32)
    for part in message.walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and part.get("content-transfer-encoding"):
            tidied = _tidied(content)
            if tidied != b"\n".join(content.splitlines()):  # the encoding hid what must not be shown
                del part["content-transfer-encoding"]
                part.set_payload(tidied.decode("ascii", "surrogateescape"))
    late, failed = all_failures(message)
    return _written(late), _written(failed)


def _written(addresses: frozenset[bytes]) -> Sequence[str]:
    return [undeclared(each) for each in sorted(addresses)]


def _tidied(octets: bytes) -> bytes:
    return b"\n".join(map(_tidied_line, octets[:_OCTETS_LIMIT].splitlines()))


def _tidied_line(line: bytes) -> bytes:
    short = _LONG_BLANK.sub(rb"\1", _LONG_WORD.sub(rb"\1", line[: 10 * _LINE_LIMIT]))[:_LINE_LIMIT]
    closed, bracket, open_ = b"<".join(short.split(b"<")[: _BRACKETS_LIMIT + 1]).rpartition(b">")
    return closed + bracket + open_.replace(b"<", b" ")
