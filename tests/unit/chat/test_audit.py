"""The command that shows who changed what."""

from __future__ import annotations

from tests.support.office import PAUL, STRANGER, Office


async def test_the_trail_is_shown_to_administrators(office: Office) -> None:
    await office.do("/set adherents moderation=open password=hush-hush", PAUL)
    await office.do("/set adherents moderation=all", PAUL)

    done = await office.do("/audit adherents moderation all")

    (row,) = done.rows
    assert (row["by"], row["by_id"], row["what"], row["about"]) == (
        "Paul",
        "telegram:42",
        "list",
        "adherents@amap.example",
    )
    assert (row["before"], row["after"]) == ({"moderation": "open"}, {"moderation": "all"})
    assert (
        "Paul (local) · list adherents@amap.example · Posts that wait for a moderator: none → all of them"
        in done.text
    )
    assert "hush" not in str((await office.do("/audit")).rows)
    assert "+Jean Roy <jean@example.org>" in (await office.do("/audit jean member")).text
    assert "No change is noted" in (await office.do("/audit nothing-like-this")).text
    assert not (await office.do("/audit", STRANGER)).ok


async def test_what_begins_or_ends_is_told_too(office: Office) -> None:
    """Such changes have no value before, or none after."""
    await office.do("/set adherents max_size=5MB")
    await office.do("/set adherents max_size=default")
    await office.do("/addgroup pain source=/nowhere/sheet.csv")
    await office.do("/pause adherents")
    told = (await office.do("/audit")).text
    for said in ("Largest size: 5 MB\n", "Largest size: 5 MB → –", "paused: no → yes"):
        assert said in f"{told}\n"
    assert "source of @pain · result: could not be read" in told
    assert "group @pain · name: pain, source: " in told


async def test_a_tap_is_told_with_its_place(office: Office) -> None:
    post = await office.hold()
    await office.press(f"discard:{post.id}:0")
    told = await office.do(f"/audit #{post.id}")
    assert f"post #{post.id} · state: waits for a decision → rejected silently" in told.text
    (row,) = told.rows
    assert (row["what"], row["after"]) == ("post", {"state": "discarded"})
    assert row["where"]
