"""What facteur writes to the author of a rejected post, and whom it never answers."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.addresses import Address, Mailbox
from bot.core.deliveries import MailingKind, NewMailing
from bot.core.header import split
from bot.core.lists import MailingList
from bot.core.notices import NoticeKind
from bot.core.people import Actor
from bot.flow.notices import Notices, Occasion, Organisation
from tests.unit.flow.posts import LIST, NOON, a_header, a_list, a_post

PAUL = Actor("telegram:42", "Paul")
DUE = NOON + timedelta(seconds=30)


def rejected(
    *lines: str | bytes,
    author: str = "anne@example.org",
    name: str = "Anne Martin",
    subject: str = "Panier",
    reason: str = "",
    mlist: MailingList | None = None,
    language: str = "en",
    by: Actor = PAUL,
) -> NewMailing | None:
    organisation = Organisation("AMAP des Trois Rivières", language, ZoneInfo("Europe/Paris"))
    post = replace(a_post(author, subject=subject), authors=(Mailbox(name, Address(author)),))
    about = Occasion(NoticeKind.REJECTED, post, a_header(*lines), mlist or a_list(), by, reason)
    return Notices(organisation).write(about, DUE)


def as_read(mailing: NewMailing | None) -> email.message.EmailMessage:
    """The notice as a mail program understands it."""
    assert mailing
    assert mailing.body is not None
    return email.message_from_bytes(mailing.header + mailing.body, policy=email.policy.default)


def text_of(mail: email.message.EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


# Envelope and header


def test_a_notice_is_a_delivery_like_any_other() -> None:
    mailing = rejected()
    assert mailing
    assert (mailing.kind, mailing.mail_from, mailing.recipients, mailing.due_at) == (
        MailingKind.NOTICE,
        LIST,
        ("anne@example.org",),
        DUE,
    )


def test_a_notice_comes_from_the_list_and_says_that_it_is_automatic() -> None:
    """Auto-Submitted on everything that is written here (RFC 3834 section 5)."""
    mail = as_read(
        rejected("Message-ID: <2@example.org>", "References: <0@x.fr>\r\n <1@x.fr>", "In-Reply-To: <1@x.fr>")
    )
    assert mail["From"] == f"adherents <{LIST}>"
    assert mail["To"] == "anne@example.org"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["In-Reply-To"] == "<2@example.org>"
    assert mail["References"] == "<0@x.fr> <1@x.fr> <2@example.org>"
    assert mail["Message-ID"].endswith("@amap.example>")
    assert mail["Date"].datetime == DUE
    assert mail["Date"].endswith("+0100")
    assert "Reply-To" not in mail


def test_an_address_outside_ascii_stands_as_it_is() -> None:
    """As in the envelope: the relay is asked for SMTPUTF8 (RFC 6532 section 3.2)."""
    mailing = rejected(author="zoé@example.org", name="Zoé")
    assert mailing
    assert mailing.recipients == ("zoé@example.org",)
    assert "To: <zoé@example.org>\r\n".encode() in mailing.header


def test_the_lists_description_is_its_name() -> None:
    mailing = rejected(mlist=a_list(description="Les adhérents"))
    assert as_read(mailing)["From"] == f"Les adhérents <{LIST}>"
    assert mailing
    assert mailing.header.isascii()


@pytest.mark.parametrize(
    ("lines", "in_reply_to", "references"),
    [
        ([], None, None),
        (["Message-ID: garbage"], None, None),
        (["Message-ID: <"], None, None),
        (["Message-ID: <a@b> <c@d>"], "<a@b>", "<a@b>"),
        (["Message-ID: <a@b>", "References: junk <1@x>\r\n\t(no) <é@x> <2@x"], "<a@b>", "<1@x> <a@b>"),
        (["Message-ID: <a@b>", "In-Reply-To: <1@x>"], "<a@b>", "<1@x> <a@b>"),
    ],
)
def test_only_message_ids_go_into_the_thread(
    lines: list[str], in_reply_to: str | None, references: str | None
) -> None:
    mail = as_read(rejected(*lines))
    assert (mail["In-Reply-To"], mail["References"]) == (in_reply_to, references)


def test_a_thread_without_end_is_cut_and_folded() -> None:
    earlier = "".join(f"\r\n <{number}.{'x' * 90}@example.org>" for number in range(500))
    mailing = rejected("Message-ID: <last@example.org>", f"References:{earlier}")
    references = as_read(mailing)["References"].split()
    assert len(references) == 21
    assert references[-1] == "<last@example.org>"
    assert mailing
    assert max(map(len, mailing.header.split(b"\r\n"))) <= 998


# Whom not to answer


@pytest.mark.parametrize(
    "line",
    [
        "Auto-Submitted: auto-generated",
        "Auto-Submitted: auto-replied; x=y",
        "X-Autoreply: yes",
        "Precedence: bulk",
        "Precedence: List",
        "Precedence: junk",
        "Precedence: auto_reply",
        "List-Id: <other.example>",
        "Return-Path: <>",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    ],
)
def test_no_answer_to_what_a_program_sent_or_to_bulk_mail(line: str) -> None:
    """Vacation replies loop (RFC 3834 section 2)."""
    assert rejected(line) is None


@pytest.mark.parametrize(
    "author",
    [
        "", "anne", "anne@nomail.org", LIST, "mailer-daemon@example.org",
        "postmaster@example.org", "mailman-bounces@example.org", "a b@example.org",
    ],
)  # fmt: skip
def test_no_answer_where_none_could_reach_a_person(author: str) -> None:
    assert rejected(author=author) is None


def test_no_answer_to_a_post_without_an_author() -> None:
    organisation = Organisation("AMAP", "fr", ZoneInfo("Europe/Paris"))
    about = Occasion(NoticeKind.REJECTED, a_post(), a_header(), a_list(), PAUL)
    assert Notices(organisation).write(about, DUE) is None


@pytest.mark.parametrize(
    "line", ["Auto-Submitted: no", "Precedence: first-class", "Return-Path: <anne@example.org>"]
)
def test_a_person_is_answered(line: str) -> None:
    assert rejected(line)


# Text


def test_the_text_in_english() -> None:
    mail = as_read(rejected(reason="Not about vegetables.\nSorry!", mlist=a_list(description="Members")))
    assert mail["Subject"] == "Your message was not distributed: Panier"
    assert text_of(mail) == (
        "Hello Anne Martin,\n"
        "\n"
        "the message “Panier” that you sent to the list Members on 22 November 2026 was not accepted by "
        "Paul, so it is not distributed.\n"
        "\n"
        "The reason: Not about vegetables.\n"
        "Sorry!\n"
        "\n"
        "If you have a question, or would like to write it differently, simply write to "
        "adherents@amap.example.\n"
        "\n"
        "AMAP des Trois Rivières\n"
    )


def test_the_text_in_french() -> None:
    mail = as_read(rejected(language="fr", reason="Hors sujet."))
    assert mail["Subject"] == "Votre message n'a pas été distribué : Panier"
    text = text_of(mail)
    assert " :" not in text, "a line may break there"
    assert text.replace("\N{NO-BREAK SPACE}", " ") == (
        "Bonjour Anne Martin,\n"
        "\n"
        "le message « Panier » que vous avez envoyé le 22 novembre 2026 à la liste adherents n'a pas été "
        "accepté par Paul : il n'est donc pas distribué.\n"
        "\n"
        "La raison : Hors sujet.\n"
        "\n"
        "Si vous avez une question, ou souhaitez l'écrire autrement, écrivez simplement à "
        "adherents@amap.example.\n"
        "\n"
        "AMAP des Trois Rivières\n"
    )


@pytest.mark.parametrize(("language", "named"), [("en", "by the moderators,"), ("fr", "par les modérateurs")])
def test_a_login_of_the_machine_is_nobodys_name(language: str, named: str) -> None:
    """Whoever types `facteur do` as root would else be "root" to the author."""
    text = text_of(as_read(rejected(language=language, by=Actor("local:root", "root"))))
    assert named in text
    assert "root" not in text


def test_what_is_not_there_leaves_no_hole() -> None:
    mail = as_read(rejected(name="", subject=""))
    assert mail["Subject"] == "Your message was not distributed: (no subject)"
    assert text_of(mail).startswith(
        "Hello,\n\nthe message that you sent to the list adherents on 22 November 2026 was not accepted by "
        "Paul, so it is not distributed.\n\nIf"
    )


def test_the_list_may_speak_another_language_than_the_organisation() -> None:
    assert as_read(rejected(mlist=a_list(language="fr")))["Subject"].startswith("Votre message")


def test_the_date_is_that_of_the_organisations_time_zone() -> None:
    organisation = Organisation("AMAP", "en", ZoneInfo("Europe/Paris"))
    late = replace(a_post("anne@example.org"), received_at=datetime(2026, 6, 30, 22, 30, tzinfo=UTC))
    notice = Notices(organisation).write(Occasion(NoticeKind.REJECTED, late, a_header(), a_list(), PAUL), DUE)
    assert "on 1 July 2026" in text_of(as_read(notice))


@settings(max_examples=150)
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300),
)
def test_nothing_in_a_subject_or_a_reason_becomes_a_field_or_a_template(subject: str, reason: str) -> None:
    mailing = rejected(subject=subject, name=subject, reason=reason + "{{ 7 * 7 }}\r\nBcc: evil@example.org")
    assert mailing
    assert mailing.body is not None
    assert mailing.header.isascii()
    assert mailing.body.isascii()
    header, body = split(mailing.header)
    names = [field.partition(b":")[0] for field in header.fields]
    assert body == b""
    assert names == [
        b"Date", b"From", b"To", b"Subject", b"Message-ID", b"Auto-Submitted", b"X-Auto-Response-Suppress",
        b"MIME-Version", b"Content-Type",
    ]  # fmt: skip
    assert max(map(len, (mailing.header + mailing.body).split(b"\r\n"))) <= 998
    assert "{{ 7 * 7 }}" in text_of(as_read(mailing))
