"""DKIM signatures verified here, for hosts that do not say what they found (RFC 6376)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from bot.core.authentication import Finding
from bot.core.header import Header, split, with_crlf
from bot.core.ports import Dns
from bot.flow.results import aligned

_BLANKS = re.compile(rb"\t[ \t]*+| [ \t]++")
_TAG = re.compile(r"(?:^|;)\s*([dsl])\s*=\s*([^;\s]+)")
_SIGNATURES_LIMIT = 2
_OCTETS_LIMIT = 12_000_000
_BLANKS_LIMIT = 1_000_000
"""Line ends too: each is an object for dkimpy."""
_FIELD_OCTETS = 4_000
_KEY_LETTERS = 1_200
"""An RSA key of 4,096 bits has 740; one without end would take hours to compute with."""


async def verified(dns: Dns, raw: bytes, header: Header, author_domain: str) -> Finding:
    """GENUINE if a signature of the author's organisation holds, UNKNOWN if that cannot be told, else
    UNPROVEN; so is what `is_verifiable` excludes, else size alone would help a forger.

    One that covers only the beginning of the body (``l=``) proves nothing about the rest.
    """
    keys: dict[str, str] = {}
    places = []
    for place, value in enumerate(header.all("dkim-signature")):
        tags = dict(_TAG.findall(value)) if len(value) <= _FIELD_OCTETS else {}
        if aligned(tags.get("d", "").lower(), author_domain) and "s" in tags and "l" not in tags:
            name = f"{tags['s']}._domainkey.{tags['d']}".lower()
            texts = await dns.texts(name)
            if texts is None:
                return Finding.UNKNOWN
            places.append(place)
            keys[name] = texts[0] if texts and len(texts[0]) <= _KEY_LETTERS else ""
        if len(places) == _SIGNATURES_LIMIT:
            break
    holds = bool(places) and await asyncio.to_thread(_any_holds, header, raw, places, keys)
    return Finding.GENUINE if holds else Finding.UNPROVEN


def is_verifiable(raw: bytes) -> bool:
    """Whether it costs no more than a second, and ten times the memory, to verify a mail of this size."""
    blanks = sum(raw.count(blank) for blank in (b" ", b"\t", b"\n", b"\r"))
    return len(raw) <= _OCTETS_LIMIT and blanks <= _BLANKS_LIMIT


def _any_holds(header: Header, raw: bytes, places: list[int], keys: Mapping[str, str]) -> bool:
    if not is_verifiable(raw):
        return False
    body = with_crlf(split(raw)[1])
    return any(_holds(header, body, place, keys) for place in places)


def _holds(header: Header, body: bytes, place: int, keys: Mapping[str, str]) -> bool:
    """Whether the signature at this place among those of the mail is genuine; a bad one never fails."""
    import dkim  # costs 25 MB, and only here

    def key_of(name: bytes, timeout: int = 0) -> bytes:  # noqa: ARG001 - as dkimpy calls it
        return keys.get(name.decode("ascii", "replace").rstrip(".").lower(), "").encode()

    try:
        mail = dkim.DKIM(b"".join(header.fields) + b"\r\n")
        mail.body = _compressed(body) if _is_relaxed(header, place) else body
        return bool(mail.verify(idx=place, dnsfunc=key_of))
    except (dkim.DKIMException, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return False


def _is_relaxed(header: Header, place: int) -> bool:
    """Whether blanks in the body do not count (RFC 6376 section 3.4.4)."""
    from dkim.util import parse_tag_value

    tags = parse_tag_value(header.raw_fields("dkim-signature")[place].partition(b":")[2])
    return bool(tags.get(b"c", b"").endswith(b"/relaxed"))


def _compressed(body: bytes) -> bytes:
    """As dkimpy makes it too, in time that grows with the square of the blanks in a row."""
    return _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n")
