"""What a homeserver refuses or cannot do, in the terms of `bot.core.errors`.

matrix-nio returns most failures as values and raises the others; both come here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
from nio.exceptions import EncryptionError, LocalProtocolError, ProtocolError, SendRetryError
from nio.responses import ErrorResponse

from bot.core.errors import Busy, FacteurError, PermanentError, ServerTrouble, TransientError, Trouble
from bot.core.text import Text

_QUOTED_CHARACTERS = 200
_USUAL_WAIT_MS = 5_000
_LOGGED_OUT = frozenset({"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"})
_REFUSED_FOR_GOOD = frozenset(
    {"M_TOO_LARGE", "M_NOT_FOUND", "M_BAD_JSON", "M_INVALID_PARAM", "M_UNSUPPORTED"}
)

NETWORK_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
LIBRARY_ERRORS = (*NETWORK_ERRORS, EncryptionError, ProtocolError, SendRetryError)
"""What matrix-nio raises instead of returning it."""


class LoggedOut(ServerTrouble):
    """The access token counts no more."""


class Unreachable(PermanentError):
    """The bot may not write in that room: removed, muted, or never let in."""


class Refused(PermanentError):
    """Any other refusal; `code` is the specification's, such as ``M_TOO_LARGE``."""

    def __init__(self, text: Text, code: str) -> None:
        super().__init__(text)
        self.code = code


def succeeded(answer: Any) -> Any:  # noqa: ANN401 - matrix-nio has no types
    """The answer, if it is none that tells of an error; else raises what it means."""
    if isinstance(answer, ErrorResponse):
        status = getattr(answer.transport_response, "status", 0) or 0
        code = answer.status_code if isinstance(answer.status_code, str) else ""
        raise refusal(code, answer.message, status, answer.retry_after_ms)
    return answer


def refusal(code: str, words: str, status: int, retry_after_ms: int | None = None) -> FacteurError:
    """What an error of the client-server API means (section "API Standards")."""
    if code == "M_LIMIT_EXCEEDED" or status == 429:
        return Busy(
            Text("The Matrix server asks to wait a moment."),
            timedelta(milliseconds=retry_after_ms or _USUAL_WAIT_MS),
        )
    if code in _LOGGED_OUT:
        return LoggedOut(
            Trouble.LOGIN,
            Text("The Matrix server has logged the bot out: its access token counts no more."),
        )
    if code == "M_FORBIDDEN":
        return Unreachable(Text("The Matrix server forbids it: {words}.", words=_short(words)))
    if code in _REFUSED_FOR_GOOD or 400 <= status < 500:
        return Refused(Text("The Matrix server refuses that: {words}.", words=_short(words)), code)
    return ServerTrouble(
        Trouble.ANSWER, Text("The Matrix server has trouble of its own: {words}.", words=_short(words))
    )


def broken(error: Exception, homeserver: str) -> FacteurError:
    """What an exception means that matrix-nio or its HTTP client raised."""
    match error:
        case LocalProtocolError():
            return TransientError(Text("The bot does not know that Matrix room yet."))
        case EncryptionError() | SendRetryError() | ProtocolError():
            return TransientError(Text("That could not be encrypted yet: {words}.", words=_short(str(error))))
        case TimeoutError():
            return ServerTrouble(
                Trouble.TIMEOUT, Text("The Matrix server {host} does not answer.", host=homeserver)
            )
        case aiohttp.ClientConnectorCertificateError():
            return ServerTrouble(
                Trouble.CERTIFICATE,
                Text("The certificate of the Matrix server {host} cannot be verified.", host=homeserver),
            )
        case _:
            return ServerTrouble(
                Trouble.LOST,
                Text(
                    "The Matrix server {host} cannot be reached: {words}. If this goes on, check [matrix] "
                    "homeserver and this machine's network.",
                    host=homeserver,
                    words=_short(str(error) or type(error).__name__),
                ),
            )


def _short(words: str) -> str:
    said = " ".join(words.split()).rstrip(".")
    return said if len(said) <= _QUOTED_CHARACTERS else said[: _QUOTED_CHARACTERS - 1] + "…"
