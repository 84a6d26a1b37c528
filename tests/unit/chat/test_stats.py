"""/stats: numbers in words and, where matplotlib is installed, a picture."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.chat.chart import can_draw
from bot.chat.commands.stats import line_of
from bot.chat.language import Languages
from bot.core.posts import Disposition
from bot.core.statistics import Week
from tests.support.clock import ManualClock
from tests.support.office import Office
from tests.support.stores import SQLITE


async def decided(office: Office, line: str, **time: float) -> None:
    post = await office.hold()
    office.clock.advance(timedelta(**time))
    assert (await office.do(line.format(post.id))).ok


@SQLITE
async def test_posts_of_the_last_weeks_in_words(office: Office) -> None:
    await decided(office, "/distribute {}", hours=3)
    await decided(office, "/reject {} non", hours=1)
    office.clock.advance(timedelta(days=7))
    await office.hold(verdict=Disposition.DISCARD)
    await office.hold()

    done = await office.do("/stats adherents")

    weeks = [line for line in done.text.splitlines() if "post" in line]
    assert len(weeks) == 2
    assert "2 posts (1 distributed, 1 rejected)" in weeks[0]
    assert "2 posts (1 discarded, 1 waiting)" in weeks[1]
    assert "took 2 hours at most" in done.text
    assert bool(done.files) == can_draw()
    [row] = done.rows
    assert row["median_decision_s"] == 7200
    assert [week["posts"] for week in row["weeks"]][-2:] == [2, 2]


def test_one_and_many_in_french(clock: ManualClock) -> None:
    """Numbers agree with what they count, and days are written as French ones."""
    french = Languages("fr", ZoneInfo("Europe/Paris"), clock).default
    week = Week(clock.now(), distributed=2, rejected=1, discarded=0, expired=0, waiting=1, bounced=1)
    said = line_of(week).render(french).replace("\xa0", " ")
    assert "4 messages (2 distribués, 1 refusé, 1 en attente)" in said
    assert said.startswith("10 mars")
    assert "1 copie refusée" in said


@SQLITE
async def test_the_picture_is_a_png(office: Office) -> None:
    assert (await office.do("/stats")).files == ()
    await office.hold()
    [picture] = (await office.do("/stats")).files
    assert (picture.name, picture.content_type) == ("stats.png", "image/png")
    assert picture.content.startswith(b"\x89PNG")


def test_matplotlib_is_imported_only_for_the_picture() -> None:
    code = "import sys, bot.chat.registry as r; r.commands(); sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_the_extra_is_absent_the_same_is_said_in_words() -> None:
    """The test of the words, in a process where matplotlib (None = not to be imported) is absent."""
    words = f"{__file__}::{test_posts_of_the_last_weeks_in_words.__name__}"
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        f"import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', {words!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
