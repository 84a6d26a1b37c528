"""matrix-nio's client, which what others send does not bring down.

Whoever shares an encrypted room with the bot, or knows that its account exists, can send it something
encrypted that is no event. matrix-nio lets the error end the whole sync, and each one after it.
"""

from __future__ import annotations

from typing import Any

import structlog
from nio import AsyncClient
from nio.crypto import Olm
from nio.events import Event, MegolmEvent, UnknownBadEvent
from nio.exceptions import EncryptionError
from typing_extensions import override

_MALFORMED = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What code that trusts its input raises; the errors of vodozemac are ValueErrors."""

_log = structlog.get_logger(__name__)


class Client(AsyncClient):  # type: ignore[misc]
    """A login."""

    @override
    def load_store(self) -> None:
        super().load_store()
        if self.store:
            self.olm = _Decryption(self.user_id, self.device_id, self.store)


class _Decryption(Olm):  # type: ignore[misc]
    """What cannot be read is not decrypted, whatever is wrong with it."""

    @override
    def decrypt_megolm_event(self, event: MegolmEvent, room_id: str | None = None) -> Event:
        try:
            read = super().decrypt_megolm_event(event, room_id)
        except EncryptionError:
            raise
        except _MALFORMED as error:
            raise EncryptionError(f"malformed: {error!r}") from error
        if isinstance(read, UnknownBadEvent):  # not even a sender, which everything else has
            raise EncryptionError("malformed")
        return read

    @override
    def handle_to_device_event(self, event: Any) -> Any:
        try:
            return super().handle_to_device_event(event)
        except _MALFORMED as error:
            _log.warning("malformed event for the bot's device", by=event.sender, why=repr(error))
            return None
