"""The terminal's room on pipes, on prompt_toolkit's own test input and on a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from typing_extensions import override

from bot.core.chat import Answer, Button, File, Screen, Utterance, line
from bot.core.errors import TransientError
from bot.core.people import Actor
from tests.support.patience import WAIT_S
from tests.support.terminals import (
    Glass,
    ScriptedListener,
    Watcher,
    decided,
    held,
    pipes,
    pseudo_terminal,
)
from transports.terminal.face import Face, without_passwords
from transports.terminal.live import LiveFace
from transports.terminal.plain import PlainFace
from transports.terminal.room import ROOM, Terminal, face_for

ANNE = Actor("local:anne", "Anne")
LISTS = Screen((line("Lists"), line("adherents, 86 people")), buttons=((Button("Next", "page:2"),),))


@dataclass
class Session:
    """A running terminal with somebody (the test) at the keyboard."""

    terminal: Terminal
    listener: ScriptedListener
    screen: Watcher
    keyboard: int
    running: asyncio.Task[None]

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())

    async def ended(self) -> None:
        await asyncio.wait_for(self.running, WAIT_S)


@asynccontextmanager
async def session(
    face: Face, ends: tuple[int, int], listener: ScriptedListener, tmp_path: Path
) -> AsyncIterator[Session]:
    commands = [("lists", "every list"), ("list", "one list")]
    terminal = Terminal(ANNE, downloads=tmp_path / "downloads", commands=commands, face=face)
    watcher = Glass(ends[1]) if isinstance(face, LiveFace) else Watcher(ends[1])
    running = asyncio.create_task(terminal.run(listener))
    try:
        yield Session(terminal, listener, watcher, ends[0], running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        watcher.stop()


@pytest.fixture
def listener() -> ScriptedListener:
    return ScriptedListener()


@pytest.fixture
async def plain(listener: ScriptedListener, tmp_path: Path) -> AsyncIterator[Session]:
    with pipes() as (source, sink, keyboard, watched):
        async with session(face_for(source, sink), (keyboard, watched), listener, tmp_path) as running:
            yield running


@pytest.fixture
async def live(
    listener: ScriptedListener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Session]:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")  # nobody here answers where the cursor is
    with pseudo_terminal() as (source, sink, person):
        async with session(face_for(source, sink), (person, person), listener, tmp_path) as running:
            await running.screen.until("\n>")
            yield running


@pytest.fixture(params=["plain", "live"])
def anywhere(request: pytest.FixtureRequest) -> Session:
    session: Session = request.getfixturevalue(request.param)
    return session


def test_a_pipe_gets_lines_and_a_terminal_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    with pipes() as (piped_in, piped_out, _, _), pseudo_terminal() as (typed, shown, _):
        assert isinstance(face_for(piped_in, piped_out), PlainFace)
        assert isinstance(face_for(typed, piped_out), PlainFace)
        assert isinstance(face_for(piped_in, shown), PlainFace)
        assert isinstance(face_for(typed, shown), LiveFace)


async def test_number_presses_the_button_and_the_answer_is_shown(anywhere: Session) -> None:
    anywhere.listener.answers["1:d"] = Answer("Distributed.", (Screen((line("see /undo"),)),))
    await anywhere.terminal.post(ROOM, held(1))
    await anywhere.screen.until("[1] ✅ Distribute")

    anywhere.type("1\r" if anywhere.screen.raw.startswith(b"\x1b") else "1\n")

    await anywhere.screen.until("Distributed.")
    await anywhere.screen.until("see /undo")
    [press] = anywhere.listener.presses
    assert (press.speaker, press.place.address, press.data) == (ANNE, ROOM, "1:d")


async def test_card_posted_before_anybody_listens_is_shown(
    listener: ScriptedListener, tmp_path: Path
) -> None:
    with pipes() as (source, sink, _keyboard, watched):
        terminal = Terminal(ANNE, downloads=tmp_path, face=face_for(source, sink))
        await terminal.post(ROOM, held(1))
        watcher = Watcher(watched)
        await watcher.until("[5] More")
        watcher.stop()


class TestPlain:
    """Lines in and lines out."""

    async def test_words_without_a_slash_are_answered_with_a_hint_once(self, plain: Session) -> None:
        """Somebody new types what they want; somebody who talks to a colleague is left alone."""
        plain.listener.screens["/lists"] = [LISTS]
        plain.type("distribute 1\nI mean it\n/lists\n")
        await plain.screen.until("adherents")
        assert plain.screen.text.count("Commands begin with a slash") == 1

    async def test_commands_pass_through_unchanged(self, plain: Session) -> None:
        plain.listener.screens["/lists"] = [LISTS]
        plain.type("!help reject\n/lists\n")

        await plain.screen.until("[1] Next")

        assert [said.text for said in plain.listener.utterances] == ["!help reject", "/lists"]

    async def test_edit_tells_the_first_line_and_what_changed(self, plain: Session) -> None:
        card = await plain.terminal.post(ROOM, held(1))
        undo = Button("↩️ Undo", "1:u")

        await plain.terminal.edit(ROOM, card, decided(1, "✅ Distributed by Anne", undo))
        await plain.terminal.edit(ROOM, card, decided(1, "✅ Distributed by Anne", undo))
        await plain.terminal.edit(ROOM, card, decided(1, "86/86 sent"))

        seen = await plain.screen.until("#1 adherents · Vegetables - 86/86 sent\n")
        assert plain.screen.text[:seen].endswith(
            "#1 adherents · Vegetables - ✅ Distributed by Anne\n[6] ↩ Undo\n\n"
            "#1 adherents · Vegetables - 86/86 sent\n"
        )

    async def test_number_of_a_button_that_went_gets_a_sentence(self, plain: Session) -> None:
        card = await plain.terminal.post(ROOM, held(1))
        await plain.terminal.edit(ROOM, card, decided(1, "✅ Distributed by Bernard"))

        plain.type("1\n77\n")

        await plain.screen.until("There is no button 77.", await plain.screen.until("There is no button 1 "))
        assert not plain.listener.presses

    async def test_number_that_is_no_button_answers_a_dialogue(self, plain: Session) -> None:
        plain.listener.screens["993"] = [Screen((line("port 993 it is"),))]
        plain.type("993\n")

        await plain.screen.until("port 993 it is")

        assert "no button" not in plain.screen.text

    async def test_empty_line_prints_what_is_open_again(self, plain: Session) -> None:
        await plain.terminal.post(ROOM, held(1))
        first = await plain.screen.until("More")

        plain.type("\n")

        await plain.screen.until("[1] ✅ Distribute", first)

    @pytest.mark.parametrize("farewell", ["/quit\n", "/exit\n", "!quit\n"])
    async def test_farewell_ends_it(self, plain: Session, farewell: str) -> None:
        plain.type(farewell)
        await plain.ended()
        assert not plain.listener.utterances

    async def test_end_of_input_ends_it_after_the_last_line(self, plain: Session) -> None:
        plain.type("/lists")
        os.close(plain.keyboard)
        await plain.ended()
        assert [said.text for said in plain.listener.utterances] == ["/lists"]

    async def test_script_in_a_file_is_read_to_its_end(
        self, listener: ScriptedListener, tmp_path: Path
    ) -> None:
        (tmp_path / "script").write_text("/lists\n/pending é\n", encoding="utf-8")
        with (
            (tmp_path / "script").open(encoding="utf-8") as source,
            (tmp_path / "out").open("w", encoding="utf-8") as sink,
        ):
            await Terminal(ANNE, downloads=tmp_path, face=face_for(source, sink)).run(listener)

        assert [said.text for said in listener.utterances] == ["/lists", "/pending é"]

    async def test_output_without_unicode_still_works(
        self, listener: ScriptedListener, tmp_path: Path
    ) -> None:
        (tmp_path / "script").touch()
        with (
            (tmp_path / "out").open("w", encoding="ascii") as sink,
            (tmp_path / "script").open(encoding="ascii") as source,
        ):
            await Terminal(ANNE, downloads=tmp_path, face=face_for(source, sink)).post(ROOM, held(1))

        assert "[1] ? Distribute" in (tmp_path / "out").read_text(encoding="ascii")

    async def test_nothing_can_be_posted_once_the_person_left(self, plain: Session) -> None:
        plain.type("/quit\n")
        await plain.ended()

        with pytest.raises(TransientError, match="terminal is closed"):
            await plain.terminal.post(ROOM, held(1))

    async def test_reader_that_went_away_is_a_closed_terminal(self, plain: Session) -> None:
        plain.screen.stop()
        os.close(plain.screen._source)

        with pytest.raises(TransientError):
            await plain.terminal.post(ROOM, held(1))

    async def test_files_are_saved_and_their_paths_printed(self, plain: Session, tmp_path: Path) -> None:
        file = File("../.profile", "text/plain", b"rm -rf")
        await plain.terminal.post(ROOM, Screen((line("Post 1"),), files=(file, file)))

        folder = tmp_path / "downloads"
        await plain.screen.until(f"saved as {folder}/_.profile\n")
        await plain.screen.until(f"saved as {folder}/_-2.profile\n")
        assert [path.read_bytes() for path in folder.iterdir()] == [b"rm -rf"] * 2

    async def test_disk_that_refuses_is_told(self, plain: Session, tmp_path: Path) -> None:
        (tmp_path / "downloads").write_text("a file where the folder should be")

        await plain.terminal.post(ROOM, Screen((line("Post 1"),), files=(File("a.eml", "", b""),)))

        await plain.screen.until("a.eml could not be saved: File exists")


class TestLive:
    """On a pseudo-terminal."""

    async def test_decided_card_scrolls_away_and_the_next_is_shown_in_full(self, live: Session) -> None:
        first = await live.terminal.post(ROOM, held(1))
        await live.terminal.post(ROOM, held(2, "Car pool"))
        await live.screen.until("#2 adherents · Car pool  [6] show")

        await live.terminal.edit(ROOM, first, decided(1, "❌ Rejected by Anne at 14:02"))

        rule = "─" * 99
        expected = (
            "#1 adherents · Vegetables\n❌ Rejected by Anne at 14:02\n\n"
            f"{rule}\n#2 adherents · Car pool\nAnne <anne@a.org>\n│ Good morning\n"
            "[7] ✅ Distribute  [8] ❌ Reject  [9] 🔇 Silently  [10] 👁 Read  [11] More\n>"
        )
        await live.screen.until_true(lambda: live.screen.text.endswith(expected), expected)

    async def test_what_is_being_typed_survives_posts_and_edits(self, live: Session) -> None:
        live.type("/lis")
        await live.screen.until("/lis")
        card = await live.terminal.post(ROOM, held(1))
        await live.screen.until("> /lis")
        await live.terminal.edit(ROOM, card, decided(1, "✅ Distributed by Bernard"))
        await live.screen.until("✅ Distributed by Bernard")
        await live.screen.until("Ctrl-D leaves.\n> /lis")

        live.type("ts\r")

        await live.screen.until_true(lambda: bool(live.listener.utterances), "utterance")
        assert live.listener.utterances[0].text == "/lists"

    async def test_other_card_is_shown_on_request(self, live: Session) -> None:
        await live.terminal.post(ROOM, held(1))
        await live.terminal.post(ROOM, held(2, quote="Who drives?"))
        await live.screen.until("[6] show")

        live.type("6\r")

        await live.screen.until("│ Who drives?")
        assert not live.listener.presses

    async def test_progress_is_edited_in_place(self, live: Session) -> None:
        card = await live.terminal.post(ROOM, held(1))
        for sent in (10, 86):
            stop = Button("⏹ Stop", "1:x")
            await live.terminal.edit(ROOM, card, decided(1, f"{sent}/86 sent", stop))
        await live.screen.until("86/86 sent  [1] ⏹ Stop")

        live.type("1\r")

        await live.screen.until("pressed 1:x")
        assert "10/86" not in live.screen.text

    async def test_typing_is_possible_while_an_answer_is_awaited(self, live: Session) -> None:
        live.listener.gate = asyncio.Event()
        live.type("/check\r")
        await live.screen.until("\n…")

        live.type("/help")
        await live.screen.until("\n… /help")
        live.listener.gate.set()
        live.type("\r")

        await live.screen.until_true(lambda: len(live.listener.utterances) == 2, "second utterance")

    async def test_password_does_not_stay_on_the_screen(self, live: Session) -> None:
        live.listener.screens["/set a password='x y' port=1"] = [LISTS]
        live.type("/set a password='x y' port=1\r")

        await live.screen.until("> /set a password=*** port=1")

    async def test_digits_are_a_password_where_one_is_asked_for(self, live: Session) -> None:
        """A button is pressed by a slash and its number then, as the terminal says."""
        live.listener.screens |= {"/addlist": [LISTS], "1": [LISTS]}
        live.listener.wants_secret = True
        live.type("/addlist\r")
        asked = await live.screen.until("such as /1.")
        await live.screen.until_true(lambda: live.screen.text.endswith("\n>"), "an answer")
        live.type("1\r")
        await live.screen.until("> ••••••", asked)
        await live.screen.until("[2] Next", asked)
        await live.screen.until_true(lambda: live.screen.text.endswith("\n>"), "another answer")
        live.type("/1\r")
        await live.screen.until("> 1 Next")
        assert [each.text for each in live.listener.utterances] == ["/addlist", "1"]
        assert [press.data for press in live.listener.presses] == [LISTS.buttons[0][0].data]

    async def test_answer_that_is_a_password_is_never_shown_nor_remembered(self, live: Session) -> None:
        live.listener.screens |= {"/addlist": [LISTS], "s3cret": [LISTS], "/lists": [LISTS]}
        live.listener.wants_secret = True
        live.type("/addlist\r")
        await live.screen.until("[1] Next")
        await live.screen.until_true(lambda: live.screen.text.endswith("\n>"), "an answer")
        live.listener.wants_secret = False
        live.type("s3cret\r")
        echoed = await live.screen.until("> ••••••")
        await live.screen.until("[2] Next", echoed)
        await live.screen.until_true(lambda: live.screen.text.endswith("\n>"), "another answer")
        live.type("/lists\r")
        await live.screen.until("> /lists", echoed)
        live.type("\x1b[A\x1b[A\x1b[A")  # as far up as it goes
        await live.screen.until_true(
            lambda: live.screen.text.endswith("> /addlist"), "the first command again"
        )

        assert [said.text for said in live.listener.utterances] == ["/addlist", "s3cret", "/lists"]
        assert b"s3cret" not in live.screen.raw

    @pytest.mark.parametrize(
        "line",
        [
            "/password a s3cret",
            "!smtp_password s3cret x",
            "/setting a password s3cret",
            "/SETTING smtp_password s3cret",
        ],
    )
    def test_password_behind_a_word_is_hidden_too(self, line: str) -> None:
        assert without_passwords(line).endswith("password ***")

    async def test_commands_are_completed_with_their_summary(self, live: Session) -> None:
        live.type("/li")
        await live.screen.until("every list")
        await live.screen.until("one list")

    async def test_pasted_lines_are_taken_one_by_one(self, live: Session) -> None:
        live.type("\x1b[200~/lists\n/pending\x1b[201~\r")

        await live.screen.until_true(lambda: len(live.listener.utterances) == 2, "two utterances")
        assert [said.text for said in live.listener.utterances] == ["/lists", "/pending"]

    async def test_mail_cannot_command_the_terminal(self, live: Session) -> None:
        await live.terminal.post(ROOM, held(1, "\x1b]0;owned\x07", "\x1b[2J\x1b[6n"))

        await live.screen.until("│ ␛[2J␛[6n")
        assert b"owned\x07" not in live.screen.raw
        assert b"\x1b[6n" not in live.screen.raw

    @pytest.mark.parametrize("farewell", ["/quit\r", "/exit\r", "\x04", "\x03"])
    async def test_farewells_end_it(self, live: Session, farewell: str) -> None:
        live.type(farewell)
        await live.ended()

    async def test_control_c_empties_the_line_first(self, live: Session) -> None:
        live.type("/nonsense\x03/lists\r")
        await live.screen.until_true(lambda: bool(live.listener.utterances), "utterance")
        assert live.listener.utterances[0].text == "/lists"

    async def test_terminal_that_hangs_up_ends_it(self, live: Session) -> None:
        live.screen.stop()
        os.close(live.keyboard)
        await live.ended()

    async def test_cancelling_gives_the_terminal_back(self, live: Session) -> None:
        live.running.cancel()
        await asyncio.gather(live.running, return_exceptions=True)
        assert live.running.cancelled()

    async def test_nothing_can_be_posted_afterwards(self, live: Session) -> None:
        live.type("\x04")
        await live.ended()
        with pytest.raises(TransientError, match="terminal is closed"):
            await live.terminal.post(ROOM, held(1))


async def test_leaving_does_not_wait_for_an_answer(listener: ScriptedListener, tmp_path: Path) -> None:
    listener.gate = asyncio.Event()  # never set
    with create_pipe_input() as keyboard:
        terminal = Terminal(ANNE, downloads=tmp_path, face=LiveFace(keyboard, DummyOutput()))
        keyboard.send_text("/check\r/quit\r")

        await asyncio.wait_for(terminal.run(listener), WAIT_S)


async def test_mistake_of_ours_ends_the_session_rather_than_leave_it_deaf(tmp_path: Path) -> None:
    class Broken(ScriptedListener):
        @override
        async def said(self, utterance: Utterance) -> Answer | None:
            raise LookupError(utterance.text)

    with create_pipe_input() as keyboard:
        terminal = Terminal(ANNE, downloads=tmp_path, face=LiveFace(keyboard, DummyOutput()))
        keyboard.send_text("/help\r")

        with pytest.raises(LookupError):
            await asyncio.wait_for(terminal.run(Broken()), WAIT_S)
