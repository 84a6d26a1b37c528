"""A fresh, real database for a test, and posts to fill it with."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.core.addresses import Mailbox, fold
from bot.core.header import split
from bot.core.posts import Cursor, NewPost
from bot.core.stores import Stores
from storage.database import open_stores
from storage.secrets import FernetBox

_uids = count(1)


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the test's database is; one run of the test for each engine."""
    return tmp_path / f"facteur.{request.param}"


@pytest.fixture(scope="session")
def box() -> FernetBox:
    """Seals the secrets of every test."""
    return FernetBox(Fernet.generate_key().decode(), "the test")


@pytest.fixture
async def stores(database: Path, box: FernetBox) -> AsyncIterator[Stores]:
    """All stores, open."""
    async with open_stores(database, box) as opened:
        yield opened


def new_post(
    mlist_id: int,
    received_at: datetime,
    *,
    author: str = "anne@example.org",
    subject: str = "Carottes",
    text: str = "Bonjour",
    raw: bytes | None = None,
    uid: str | None = None,
) -> NewPost:
    """A mail as intake would store it; each call gives one with a cursor of its own."""
    uid = uid or str(next(_uids))
    content = raw if raw is not None else f"Subject: {subject}\r\n\r\n{text}\r\n".encode()
    return NewPost(
        mlist_id=mlist_id,
        cursor=Cursor("INBOX", "1", uid),
        raw=content,
        received_at=received_at,
        authors=(Mailbox("Anne", fold(author)),),
        subject=subject,
        message_id=f"<{uid}@example.org>",
        body_sha256=hashlib.sha256(split(content)[1]).hexdigest(),
        text=text,
        attachments=(),
    )
