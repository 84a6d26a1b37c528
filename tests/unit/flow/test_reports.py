"""Reports as servers write them: whom they are about, and that they mean what they say."""

from __future__ import annotations

import base64
import time

import pytest

from bot.flow.reports import is_about_mail, read_report
from tests.support import corpora

WHO = "anne.martin@wanadoo.fr"


def free_form(text: str, subject: str = "Undelivered Mail Returned to Sender") -> bytes:
    return (
        f"From: MAILER-DAEMON@example.net\r\nSubject: {subject}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.replace("\n", "\r\n")
    ).encode()


def status(*blocks: str, original: str = "") -> bytes:
    """A delivery status notification with these groups about recipients."""
    groups = "\n".join(f"\n{block}\n" for block in blocks)
    enclosed = f"--b\nContent-Type: text/rfc822-headers\n\n{original}\n" if original else ""
    return (
        "From: MAILER-DAEMON@example.net\nAuto-Submitted: auto-replied\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nSorry.\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n{groups}\n"
        f"{enclosed}--b--\n"
    ).encode()


FAILED = f"Final-Recipient: rfc822; {WHO}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 Adresse inconnue"  # fmt: skip  # noqa: E501


def test_a_delivery_status_names_its_recipients_and_the_reason() -> None:
    report = read_report(status(FAILED, "Final-Recipient: rfc822;b@example.org\nAction: delivered"))
    [failure] = report.failures
    assert (failure.address, failure.reason, failure.blames_mail) == (
        WHO,
        "5.1.1 550 5.1.1 Adresse inconnue",
        False,
    )
    assert not report.of_notice


def test_the_address_that_was_written_to_counts_before_the_one_it_was_forwarded_to() -> None:
    forwarded = (
        f"Original-Recipient: rfc822;{WHO}\nFinal-Recipient: rfc822; x@elsewhere.example\nAction: failed"
    )
    assert [failure.address for failure in read_report(status(forwarded)).failures] == [WHO]


def test_what_is_only_late_has_not_failed() -> None:
    report = read_report(status(f"Final-Recipient: rfc822; {WHO}\nAction: delayed\nStatus: 4.4.1"))
    assert (report.failures, report.delayed, report.late) == ((), True, (WHO,))


def test_a_report_about_a_notice_is_known_as_such() -> None:
    about = read_report(status(FAILED, original="From: list@example.test\nAuto-Submitted: auto-replied\n"))
    assert about.of_notice
    told = read_report(status(FAILED, original="From: list@example.test\nAuto-Submitted: auto-generated\n"))
    assert told.of_notice
    assert not read_report(status(FAILED, original="From: list@example.test\nSubject: x\n")).of_notice
    robot = "From: robot@example.test\nAuto-Submitted: auto-generated\nList-Id: <list.example.test>\n"
    assert not read_report(status(FAILED, original=robot)).of_notice, "a copy of what a program wrote"


@pytest.mark.parametrize(
    ("reply", "about_mail"),
    [
        ("550 5.1.1 user unknown", False),
        ("552 5.2.2 mailbox full", False),
        ("550 no such user", False),
        ("552 5.3.4 message too big", True),
        ("554 5.7.1 looks like spam", True),
        ("550 5.7.26 unauthenticated", True),
    ],
)
def test_what_blames_the_mail_does_not_blame_the_address(reply: str, about_mail: bool) -> None:
    assert is_about_mail(reply) is about_mail


def test_a_complaint_names_who_complains() -> None:
    """RFC 5965, appendix B.1, with the recipient that some providers leave in."""
    raw = (
        "From: <abuse@example.net>\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n"
        "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n"
        f"Original-Mail-From: <list@example.test>\nOriginal-Rcpt-To: <{WHO}>\n\n"
        "--b\nContent-Type: message/rfc822\n\nFrom: list@example.test\n\nBonjour\n--b--\n"
    )
    report = read_report(raw.encode())
    assert report.complaint
    assert [(failure.address, failure.reason) for failure in report.failures] == [(WHO, "complaint: abuse")]


FRENCH = {
    "OVH": f"""Bonjour,

Votre message n'a pas pu être délivré à un ou plusieurs destinataires.
<{WHO}>: host mx.example.net said: 550 5.1.1 Adresse inconnue

------ This is a copy of your message, including all the headers. ------
From: other@example.org
""",
    "Orange": f"""Ce message a été généré automatiquement par le serveur de messagerie d'Orange.

Le message que vous avez envoyé n'a pas été remis au destinataire suivant :

    {WHO}

Raison : boîte aux lettres inexistante
""",
    "Free": f"""Désolé, votre message ne peut être remis.
L'adresse {WHO} est inconnue sur nos serveurs.
""",
    "Laposte": f"""Bonjour,
Échec de la distribution du message suivant au destinataire :
  - {WHO}
La boîte de réception du destinataire est saturée.
""",
    "Exchange": f"""Échec de la remise pour ces destinataires ou groupes :

{WHO}
L'adresse de courrier que vous avez entrée est introuvable.
""",
    "SFR": f"""Impossible de délivrer votre message.
Utilisateur inconnu : <{WHO}>
""",
    "English": f"""Delivery to the following recipient failed permanently:

     {WHO}
""",
}


@pytest.mark.parametrize("text", FRENCH.values(), ids=FRENCH)
def test_the_words_of_french_hosts_are_understood(text: str) -> None:
    report = read_report(free_form(text))
    assert [failure.address for failure in report.failures] == [WHO]
    assert report.failures[0].reason


@pytest.mark.parametrize(
    "text",
    [
        f"Votre message à {WHO} est retardé. Il n'a pas encore pu être remis, il sera réessayé.\n",
        f"Ceci est un avertissement, ne renvoyez pas votre message.\n{WHO} : utilisateur inconnu ?\n",
    ],
)
def test_french_words_for_late_are_understood(text: str) -> None:
    report = read_report(free_form(text))
    assert (report.failures, report.delayed) == ((), True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"From: x",
        free_form("Sorry, something went wrong.\n"),
        free_form(f"Le mail de {WHO} parle de carottes.\n"),
        (
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
            b"Content-Type: message/delivery-status\n\nFinal-Recipient\nAction failed\n\n\xff\xfe--b--"
        ),
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 50_000,
    ],
)
def test_what_names_nobody_names_nobody(raw: bytes) -> None:
    assert read_report(raw).failures == ()


# The samples of flufl.bounce, fetched from the package index, none of them ours


def test_the_samples_of_flufl_bounce_are_recognised_with_their_addresses() -> None:
    """At least 112 of the 115 that its own tests name."""
    samples, expected = corpora.flufl_bounce(), corpora.flufl_bounce_names()
    missed = []
    for name, addresses in expected.items():
        report = read_report(samples[name])
        found = {*report.late, *(failure.address for failure in report.failures)}
        if not found or not addresses <= found:
            missed.append(name)

    assert len(expected) >= 115
    assert len(missed) <= 3, missed


def test_a_detector_that_stumbles_says_nothing_of_the_mail(caplog: pytest.LogCaptureFixture) -> None:
    """An empty From is too much for one of flufl.bounce's; the others are asked all the same."""
    read_report(b"From:\r\nSubject: x\r\n\r\nsecret words\r\n")
    assert caplog.text == ""


NETSCAPE = (
    b"--b\r\nContent-Type: text/plain\r\n\r\nThis Message was undeliverable due to the following reason:\r\n"
    b"%s\r\n--b\r\n\r\n--b--\r\n"
)
MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n"


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"", b"<" * 290_000),
        (b"", b"<p@example.org>: user unknown, adresse " * 7_000),
        (b"", b"The following addresses had permanent fatal errors -----\r\n" * 4_500),
        (b"", b"\r\n".join([b"user's mailbox is full:", *[b" " * 990] * 290])),
        (b"", b"\r\n".join([b"Message could not be delivered", *[b"a" * 990] * 290])),
        (b"", (b"-" * 990 + b"\r\n") * 290),
        (MIXED, NETSCAPE % ((b"<" * 990 + b"\r\n") * 290)),
        (MIXED, NETSCAPE % (b"<\r" * 140_000)),
        (MIXED, NETSCAPE % (b"< " * 140_000)),
        (b"Content-Transfer-Encoding: base64\r\n", base64.encodebytes(b"<" * 200_000)),
        (b"Content-Transfer-Encoding: base64\r\n", base64.encodebytes(b"<\r" * 100_000)),
    ],
    ids=[
        "brackets", "addresses", "lines", "blanks", "words", "dashes", "brackets in lines", "bare CR",
        "brackets and blanks", "base64", "bare CR in base64",
    ],
)  # fmt: skip
def test_a_hostile_report_is_read_in_bounded_time(fields: bytes, body: bytes) -> None:
    """Whatever encoding hides it: there are expressions that would take hours for the worst of these."""
    header = b"From: MAILER-DAEMON@example.net (Postfix)\r\nSubject: Undelivered\r\n" + fields
    began = time.process_time()
    assert len(read_report(header + b"\r\n" + body).failures) <= 100
    assert time.process_time() - began < 4.0  # of 0.7 on a machine at rest
