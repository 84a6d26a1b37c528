"""What a receiving host found out about a mail: its Authentication-Results (RFC 8601)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.addresses import domain_of, fold
from bot.core.authentication import Finding
from bot.core.header import Header
from bot.flow.accounts import registrable

if TYPE_CHECKING:
    import authres.core

_FIELD = "Authentication-Results"
_COMMENT = re.compile(r"\([^()]*\)")
_OCTETS_LIMIT = 20_000
_NOTHING = {"none", "neutral", "temperror", "permerror", "policy"}
"""Results that speak neither for nor against anybody (RFC 8601 section 2.7)."""


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result, in lower case, and the domain that it is about; empty if not said."""

    method: str
    result: str
    domain: str


def results_fields(header: Header, host: str) -> list[bytes]:
    """The fields that claim to be the host's, from the top; only the topmost can be (RFC 8601 section 5)."""
    if not host:
        return []
    fields = header.raw_fields(_FIELD)
    return [field for field in fields if authserv_id(field) == host.lower()]


def authserv_id(field: bytes) -> str:
    """Who the field says to be from, in lower case (RFC 8601 section 2.2)."""
    value = _COMMENT.sub(" ", _value(field[:_OCTETS_LIMIT]))
    return re.split(r"[;\s]", value.strip(), maxsplit=1)[0].strip('"').lower()


def results(field: bytes) -> Sequence[Result] | None:
    """What a field says, method by method; None if it cannot be read."""
    import authres

    if len(field) > _OCTETS_LIMIT:
        return None
    try:
        parsed = authres.AuthenticationResultsHeader.parse(f"{_FIELD}: {_value(field)}")
    except (authres.core.AuthResError, LookupError, ValueError, AttributeError, TypeError, RecursionError):
        return None
    return [
        Result(str(found.method).lower(), str(found.result).lower(), _domain(found))
        for found in parsed.results
    ]


def judged(found: Sequence[Result], author_domain: str) -> Finding:
    """Whether these results vouch for an author of that domain.

    DMARC's own result counts; without one, SPF and DKIM do, where they are about a domain of the same
    organisation (RFC 7489 section 3.1, relaxed alignment).
    """
    of_author = [each for each in found if not each.domain or aligned(each.domain, author_domain)]
    dmarc = {each.result for each in of_author if each.method == "dmarc"}
    if "fail" in dmarc:
        return Finding.FORGED
    if not dmarc and any(each.method == "dmarc" for each in found):
        return Finding.UNPROVEN  # the host read another author in From than we did
    proofs = [each for each in found if each.method in {"spf", "dkim"}]
    if "pass" in dmarc or any(
        each.result == "pass" and aligned(each.domain, author_domain) for each in proofs
    ):
        return Finding.GENUINE
    if {each.method for each in proofs} != {"spf", "dkim"}:
        return Finding.UNKNOWN
    return Finding.UNPROVEN if all(each.result in _NOTHING for each in proofs) else Finding.FORGED


def aligned(domain: str, author_domain: str) -> bool:
    """Whether two domains are one organisation's."""
    return bool(domain) and registrable(domain) == registrable(author_domain)


def _value(field: bytes) -> str:
    return " ".join(field.partition(b":")[2].decode("utf-8", "replace").split())


def _domain(found: authres.core.AuthenticationResult) -> str:
    """Of SPF the envelope's, of DKIM the signer's, of DMARC the author's."""
    wanted = {"spf": ("mailfrom", "helo"), "dkim": ("d", "i"), "dmarc": ("from",)}
    said = {str(each.name).lower(): str(each.value or "") for each in found.properties}
    for name in wanted.get(str(found.method).lower(), ()):
        if said.get(name):
            address = fold(said[name])
            return domain_of(address) or address
    return ""
