"""A fresh, real database for a test, and posts to fill it with."""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.core.addresses import Address, Mailbox, fold
from bot.core.deliveries import MailingKind, NewMailing
from bot.core.header import split
from bot.core.lists import MailingList
from bot.core.people import Actor
from bot.core.posts import Cursor, Decision, Disposition, NewPost, Post, Screened, Verdict
from bot.core.stores import Stores
from bot.core.text import Text
from storage.database import migrate, open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.postgres import Postgres

ANNE = Actor("telegram:1", "Anne")
BORIS = Actor("matrix:@boris:example.org", "Boris")

_uids = count(1)


ENGINES = ("sqlite", "postgres")
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("database", ["postgres"], indirect=True)


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    """Where the test's database is; one run of the test for each engine."""
    with _url(request) as url:
        yield url or empty_sqlite(tmp_path / "facteur.db")


BOTH = pytest.mark.parametrize("database_url", ENGINES, indirect=True)
"""On a test of an installation, or (as `pytestmark`) on those of a module."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The key of ``facteur.toml``: empty, SQLite, unless the test is marked `BOTH`."""
    with _url(request) as url:
        yield url


def empty_sqlite(file: Path) -> Path:
    """A SQLite database of the current schema, copied: making one anew takes half a second."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(_migrated_sqlite(), file)
    return file


@cache
def _migrated_sqlite() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="facteur-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with ThreadPoolExecutor(1) as thread:  # the caller's may have an event loop running
        thread.submit(asyncio.run, migrate(folder / "facteur.db")).result()
    return folder / "facteur.db"


@contextmanager
def _url(request: pytest.FixtureRequest) -> Iterator[str]:
    if getattr(request, "param", "sqlite") == "sqlite":
        yield ""
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.new_database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="session")
def box() -> FernetBox:
    """Seals the secrets of every test."""
    return FernetBox(Fernet.generate_key().decode(), "the test")


@pytest.fixture
async def stores(database: Where, box: FernetBox) -> AsyncIterator[Stores]:
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


async def a_list(stores: Stores, at: datetime, address: str = "legumes@example.org") -> MailingList:
    """A list without settings of its own."""
    return await stores.lists.add(fold(address), {}, at)


async def screened(
    stores: Stores,
    post: NewPost,
    disposition: Disposition = Disposition.HOLD,
    mailings: Sequence[NewMailing] = (),
) -> Post:
    """A post taken in and judged by the rule ``default``, both when it was received."""
    post_id = await stores.posts.take_in(post)
    assert post_id is not None
    verdict = Verdict(disposition, "default", Text("every post of {who} waits", who="Anne"))
    judged = await stores.posts.screened(Screened(post_id, verdict, post.received_at, tuple(mailings)))
    assert judged is not None
    return judged


def mailing(recipients: Sequence[str], due_at: datetime, kind: MailingKind = MailingKind.COPY) -> NewMailing:
    """The post's copy, or a notice."""
    return NewMailing(
        kind=kind,
        mail_from=Address("legumes@example.org"),
        recipients=tuple(Address(recipient) for recipient in recipients),
        header=b"Subject: [legumes] Carottes\r\n\r\n",
        body=None if kind is MailingKind.COPY else b"Votre message a ete refuse.\r\n",
        due_at=due_at,
    )


def decision(
    post: Post,
    at: datetime,
    *,
    by: Actor = ANNE,
    disposition: Disposition = Disposition.ACCEPT,
    mailings: Sequence[NewMailing] = (),
    seen: int | None = None,
) -> Decision:
    """Somebody's word on a post, without an undo window."""
    return Decision(
        post.id, disposition, by, at, undo_until=at, seen_decisions=seen, mailings=tuple(mailings)
    )


async def accepted(stores: Stores, mlist: MailingList, at: datetime, recipients: Sequence[str]) -> Post:
    """A post that Anne just distributed to these recipients, whose copies are due."""
    post = await screened(stores, new_post(mlist.id, at))
    return await stores.posts.decide(decision(post, at, mailings=[mailing(recipients, at)]))
