"""Mails that made other programs stumble, and 500 made of them by blows, go the whole way of a post.

Where no rule lets one pass, a moderator does, once its card was looked at; every third that was discarded
is brought back for that.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from structlog.testing import capture_logs

from bot.core.header import split, with_crlf
from bot.core.posts import Disposition, Post, PostState
from tests.support import corpora
from tests.support.fuzz import mutations
from tests.support.stores import ENGINES
from tests.support.world import ANNE, World

_SEED = 8
_MADE = {"sqlite": 500, "postgres": 100}
_ENDS = {PostState.HELD, PostState.DISCARDED, PostState.DISTRIBUTED}
_UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def samples() -> list[bytes]:
    """Those of the three projects, each once."""
    of_flufl, of_mailman, of_python = corpora.flufl_bounce(), corpora.mailman(), corpora.cpython()
    assert (len(of_flufl), len(of_mailman), len(of_python)) == (117, 13, 48)
    return list(dict.fromkeys([*of_flufl.values(), *of_mailman.values(), *of_python.values()]))


def on_the_wire(mail: bytes) -> str:
    """What is the same of a mail wherever it lies: servers end lines their way, and Dovecot has no NUL."""
    lines = with_crlf(mail).replace(b"\0", b"\x80")
    return hashlib.sha256(lines.rstrip(b"\r\n")).hexdigest()


def bodies(mails: Iterable[bytes]) -> Counter[str]:
    """Each body as SMTP carries it, and how often it is there."""
    lines = (with_crlf(split(mail)[1]) for mail in mails)
    return Counter(
        hashlib.sha256(body if not body or body.endswith(b"\r\n") else body + b"\r\n").hexdigest()
        for body in lines
    )


async def the_whole_way(world: World, mails: Sequence[bytes]) -> None:
    """Taken in, screened, distributed where a rule lets it pass; all in one pass."""
    await world.add_list(moderation="open")
    await world.members("anne@members.example")
    for number, mail in enumerate(mails):
        world.dovecot.drop(world.mailbox, mail, f"{1_700_000_000 + number}.{number}.fuzz")
    with capture_logs() as logs:
        await world.pass_()
    assert [line for line in logs if line["log_level"] in {"warning", "error"}] == []
    assert sum(line["event"] == "received" for line in logs) == len(mails)
    assert world.troubles == {}
    assert world.dovecot.holds(world.mailbox) == []


def numbers(posts: Iterable[Post], state: PostState) -> list[int]:
    """Of those in this state."""
    return [post.id for post in posts if post.state is state]


async def distribute(world: World, held: Iterable[int], discarded: Iterable[int]) -> None:
    """As a moderator would, one by one."""
    decisions = world.app.desk.decisions
    with capture_logs() as logs:
        for number in discarded:
            await decisions.undo(number, ANNE)
        for number in (*held, *discarded):
            await decisions.decide(number, Disposition.ACCEPT, ANNE)
        await world.pass_()
    assert [line for line in logs if line["log_level"] in {"warning", "error"}] == []


@pytest.mark.parametrize("database_url", ENGINES, indirect=True)
async def test_nothing_crashes_a_step_and_nothing_is_lost(
    world: World, request: pytest.FixtureRequest
) -> None:
    """Each ends with a disposition and a card; each copy has the body that was sent."""
    engine = request.node.callspec.params["database_url"]
    originals = samples()
    mails = [*originals, *mutations(originals, _MADE[engine], _SEED)]
    mails = mails if engine == "sqlite" else mails[:: len(mails) // 100]
    await the_whole_way(world, mails)

    stores = world.app.stores
    posts = [await stores.posts.get(number) for number in range(1, len(mails) + 1)]
    raws = {post.id: await stores.posts.raw(post.id) for post in posts}
    assert Counter(map(on_the_wire, raws.values())) == Counter(map(on_the_wire, mails))
    assert {post.state for post in posts} <= _ENDS
    assert all(post.rule and post.rule != "unreadable" for post in posts)
    assert not any("damaged" in post.unread for post in posts)
    for post in posts:
        card = await world.said(f"/show {post.id}")
        assert card.startswith(f"#{post.id} {world.name} · ")
        assert not _UNSHOWABLE.search(card), (post.id, card)
    distributed, held = numbers(posts, PostState.DISTRIBUTED), numbers(posts, PostState.HELD)
    brought_back = numbers(posts, PostState.DISCARDED)[::3]
    await distribute(world, held, brought_back)
    copied = [*distributed, *held, *brought_back]
    assert bodies(raws[number] for number in copied) == bodies(taken.raw for taken in world.copies())
    assert min(len(distributed), len(held)) > len(mails) / 6
    assert len(copied) > 0.6 * len(mails)
