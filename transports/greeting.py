"""Whether a mail server answers at all: its greeting, and nobody logs in."""

from __future__ import annotations

import asyncio
import ssl

from transports.trouble import Server, connection_trouble, unusable

_GREETINGS = {"IMAP": b"* OK", "POP3": b"+OK", "SMTP": b"220"}
_LIMIT_OCTETS = 8_192


async def greeted(server: Server, tls: ssl.SSLContext | None, timeout_s: float) -> None:
    """Connect, read the first line (RFC 3501 section 7.1, RFC 1939 section 4, RFC 5321 section 3.1), leave.

    Raises:
        ServerTrouble: there is no such server.
    """
    try:
        async with asyncio.timeout(timeout_s):
            line = await _first_line(server, tls)
    except (OSError, UnicodeError) as error:
        raise connection_trouble(error, server) from None
    except ValueError as error:  # more than a line should have
        raise unusable(server, str(error)) from None
    if not line.startswith(_GREETINGS[server.service]):
        raise unusable(server, line)


async def _first_line(server: Server, tls: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port, ssl=tls, limit=_LIMIT_OCTETS)
    try:
        return await reader.readline()
    finally:
        writer.transport.abort()
