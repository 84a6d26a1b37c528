"""DKIM signatures verified here, for hosts that do not say what they found (RFC 6376)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from bot.core.authentication import Finding
from bot.core.header import Header
from bot.core.ports import Dns
from bot.flow.results import aligned

_TAG = re.compile(r"(?:^|;)\s*([dsl])\s*=\s*([^;\s]+)")
_SIGNATURES_LIMIT = 2
_OCTETS_LIMIT = 30_000_000
"""A second of work; who writes more than that is not verified."""


async def verified(dns: Dns, raw: bytes, header: Header, author_domain: str) -> Finding:
    """GENUINE if a signature of the author's organisation holds, UNKNOWN if that cannot be told, else
    UNPROVEN.

    One that covers only the beginning of the body (``l=``) proves nothing about the rest.
    """
    keys: dict[str, str] = {}
    places = []
    for place, value in enumerate(header.all("dkim-signature")):
        tags = dict(_TAG.findall(value))
        if aligned(tags.get("d", "").lower(), author_domain) and "s" in tags and "l" not in tags:
            name = f"{tags['s']}._domainkey.{tags['d']}".lower()
            texts = await dns.texts(name)
            if texts is None:
                return Finding.UNKNOWN
            places.append(place)
            keys[name] = texts[0] if texts else ""
        if len(places) == _SIGNATURES_LIMIT:
            break
    if places and len(raw) > _OCTETS_LIMIT:
        return Finding.UNKNOWN
    holds = await asyncio.to_thread(_any_holds, raw, places, keys) if places else False
    return Finding.GENUINE if holds else Finding.UNPROVEN


def _any_holds(raw: bytes, places: list[int], keys: Mapping[str, str]) -> bool:
    return any(_holds(raw, place, keys) for place in places)


def _holds(raw: bytes, place: int, keys: Mapping[str, str]) -> bool:
    """Whether the signature at this place among those of the mail is genuine; a bad one never fails."""
    import dkim  # costs 25 MB, and only here

    def key_of(name: bytes, timeout: int = 0) -> bytes:  # noqa: ARG001 - as dkimpy calls it
        return keys.get(name.decode("ascii", "replace").rstrip(".").lower(), "").encode()

    try:
        return bool(dkim.DKIM(raw).verify(idx=place, dnsfunc=key_of))
    except (dkim.DKIMException, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return False
