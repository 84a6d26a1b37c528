"""Three mails such as an AMAP's list gets: from a member, from a stranger, and one with everything."""

from __future__ import annotations

import struct
import zlib
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid

from bot.core.addresses import Address, Mailbox

LIST = Address("adherents@amap.example")

ANNE = Mailbox("Anne Martin", Address("anne.martin@example.org"))
KARIM = Mailbox("Karim Benali", Address("karim@example.net"))
LUCIE = Mailbox("Lucie Évrard", Address("lucie.evrard@example.com"))
FARM = Mailbox("Ferme des Trois Rivières", Address("ferme@example.com"))
STRANGER = Mailbox("Paul Durand", Address("paul.durand@example.info"))

MEMBERS = (ANNE, KARIM, LUCIE, FARM)
"""Who gets what is distributed."""


def sample_posts(now: datetime) -> tuple[bytes, bytes, bytes]:
    """The mails as a server would deliver them, CRLF line ends; written in the last hour."""
    return (
        _from_member(now - timedelta(minutes=50)).as_bytes(),
        _from_stranger(now - timedelta(minutes=20)).as_bytes(),
        _from_farm(now - timedelta(minutes=5)).as_bytes(),
    )


def _from_member(at: datetime) -> EmailMessage:
    post = _post(ANNE, "Distribution de jeudi : qui peut m'aider ?", at)
    post.set_content(
        """\
Bonjour à tous,

Jeudi je serai seule pour la distribution, et il y a quarante paniers.
Qui peut venir de 18 h à 19 h 30 ? Répondez-moi directement.

Merci d'avance, et n'oubliez pas vos sacs !
Anne

-- \n\
Anne Martin, AMAP des Trois Rivières
""",
        cte="8bit",
    )
    return post


def _from_stranger(at: datetime) -> EmailMessage:
    post = _post(STRANGER, "Question sur les paniers", at)
    post.set_content(
        """\
Bonjour,

Je viens d'emménager dans le quartier et j'ai vu votre affiche à la
boulangerie. Reste-t-il des places pour un demi-panier cet hiver ?
Faut-il s'engager pour toute la saison ?

Cordialement,
Paul Durand
""",
        cte="quoted-printable",
    )
    return post


def _from_farm(at: datetime) -> EmailMessage:
    post = _post(FARM, "Le panier de la semaine", at)
    post.set_content("Cette semaine : courges, poireaux, mâche et pommes. Détail dans le PDF.\n\nLa ferme\n")
    post.add_alternative(
        """\
<html><body>
<h1>Le panier de la semaine</h1>
<p>Cette semaine&nbsp;:</p>
<ul><li>courges</li><li>poireaux</li><li><b>mâche</b></li><li>pommes</li></ul>
<p><img src="cid:champ@ferme.example" alt="Le champ ce matin"> Détail dans le PDF.</p>
<p>La ferme</p>
</body></html>
""",
        subtype="html",
    )
    html = post.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(_picture(), "image", "png", cid="<champ@ferme.example>", filename="champ.png")
    post.add_attachment(_document(), "application", "pdf", filename="panier de la semaine.pdf")
    return post


def _post(author: Mailbox, subject: str, at: datetime) -> EmailMessage:
    post = EmailMessage(policy=SMTP)
    post["From"] = formataddr((author.name, author.address))
    post["To"] = LIST
    post["Subject"] = subject
    post["Date"] = format_datetime(at)
    post["Message-ID"] = make_msgid(domain=author.address.rpartition("@")[2])
    return post


def _picture(width: int = 96, height: int = 64) -> bytes:
    """A field under a sky, as PNG."""
    sky, field = b"\x9c\xcc\xf0" * width, b"\x5a\x9a\x3c" * width
    rows = (sky if row < height // 2 else field for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + kind + octets + struct.pack(">I", zlib.crc32(kind + octets))


def _document() -> bytes:
    """One page with a line of text, as PDF 1.4."""
    text = b"BT /F1 24 Tf 72 720 Td (Courges, poireaux, m\\342che, pommes) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    document, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return document + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(document))
    )
