"""Whom a refusal speaks of decides what becomes of a delivery."""

from __future__ import annotations

import pytest

from bot.core.addresses import Address
from bot.core.deliveries import Outcome
from transports.smtp.transaction import Stage, fits_envelope, outcome_of
from transports.smtp.wire import Reply


@pytest.mark.parametrize(
    ("stage", "code", "text", "outcome"),
    [
        (Stage.CONTENT, 250, "2.0.0 queued", Outcome.DELIVERED),
        (Stage.RCPT, 251, "will forward", Outcome.DELIVERED),
        (Stage.RCPT, 450, "4.2.1 greylisted", Outcome.DEFERRED),
        (Stage.RCPT, 550, "5.1.1 no such user", Outcome.BOUNCED),
        (Stage.RCPT, 552, "5.5.3 too many recipients", Outcome.DEFERRED),
        (Stage.RCPT, 554, "5.7.1 <a@b.org>: Relay access denied", Outcome.DEFERRED),
        (Stage.RCPT, 550, "relaying denied", Outcome.DEFERRED),
        (Stage.RCPT, 550, "5.7.1 Unable to relay", Outcome.DEFERRED),
        (Stage.RCPT, 550, "SMTP authentication is required", Outcome.DEFERRED),
        (Stage.RCPT, 550, "please log in first", Outcome.DEFERRED),
        (Stage.RCPT, 553, "sorry, not logged in", Outcome.DEFERRED),
        (Stage.RCPT, 550, "5.7.1 spam, go away", Outcome.BOUNCED),
        (Stage.RCPT, 550, "5.7.13 user account disabled", Outcome.DEFERRED),
        (Stage.MAIL, 550, "5.1.8 sender refused", Outcome.DEFERRED),
        (Stage.MAIL, 552, "5.3.4 message size exceeds fixed limit", Outcome.BOUNCED),
        (Stage.MAIL, 552, "5.7.0 mail quota exceeded", Outcome.DEFERRED),
        (Stage.MAIL, 555, "parameters not recognized", Outcome.DEFERRED),
        (Stage.CONTENT, 451, "4.3.0 later", Outcome.DEFERRED),
        (Stage.CONTENT, 552, "5.3.4 message size limit exceeded", Outcome.BOUNCED),
        (Stage.CONTENT, 554, "5.6.0 virus", Outcome.BOUNCED),
        (Stage.CONTENT, 550, "5.4.5 Daily user sending quota exceeded", Outcome.DEFERRED),
        (Stage.CONTENT, 550, "too many messages, 200 per hour", Outcome.DEFERRED),
        (Stage.CONTENT, 535, "5.7.8 not any more", Outcome.DEFERRED),
    ],
)
def test_an_answer_means_what_the_table_says(stage: Stage, code: int, text: str, outcome: Outcome) -> None:
    """What speaks of our account is never held against a member or a mail."""
    assert outcome_of(stage, Reply(code, text)) is outcome


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("anna@example.org", True),
        ("a+b=c/d'e@xn--caf-dma.example", True),
        ("anna", False),
        ("anna@nomail.org", False),
        ("é@example.org", True),  # by SMTPUTF8
        ("a\u202eb@example.org", False),
        ("a\r\n@example.org", False),
        ("a>b@example.org", False),
        ("\x85a@example.org", False),
        ("a" * 243 + "@example.org", False),
        ("é" * 122 + "@example.org", False),
    ],
)
def test_only_what_cannot_end_the_command_stands_in_an_envelope(address: str, fits: bool) -> None:
    """No control characters, blanks or brackets; of the length that SMTP allows."""
    assert fits_envelope(Address(address)) is fits
