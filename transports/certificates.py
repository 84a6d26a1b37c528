"""A certificate (RFC 5280) as people compare it: fingerprint, name, end of validity."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.x509.oid import NameOID

from bot.core.text import Day, Text, fingerprint, revealed

_NAMED = 3
_NAME_LIMIT = 80


def told(certificate: bytes) -> Text:
    """In words; what cannot be read of it is left out.

    Args:
        certificate: DER, of whoever answered: nothing in it is to be believed but its fingerprint.
    """
    seen = fingerprint(hashlib.sha256(certificate).hexdigest())
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        names, until = _names(parsed), Day(parsed.not_valid_after_utc)
    except ValueError:
        return Text("{fingerprint}", fingerprint=seen)
    if not names:
        return Text("{fingerprint}, made for nobody, valid until {day}", fingerprint=seen, day=until)
    named = names[:_NAMED] + ([f"+{len(names) - _NAMED}"] if len(names) > _NAMED else [])
    return Text(
        "{fingerprint}, made for {names}, valid until {day}", fingerprint=seen, names=named, day=until
    )


def _names(certificate: x509.Certificate) -> list[str]:
    """The hosts that it names, else its common name (RFC 6125 section 6.4.4)."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = [
            str(name) for kind in (x509.DNSName, x509.IPAddress) for name in san.get_values_for_type(kind)
        ]
    except x509.ExtensionNotFound:
        found = []
    found = found or [
        str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    return [revealed(" ".join(name.split()))[:_NAME_LIMIT] for name in found]
