"""The terminal's room on a real terminal: open screens redrawn in place below the native scrollback."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from prompt_toolkit.application import Application, in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import BeforeInput, ConditionalProcessor, PasswordProcessor
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style
from typing_extensions import override

from transports.terminal.board import Board, Shown
from transports.terminal.face import Heard, is_farewell, without_passwords
from transports.terminal.layout import STYLE, Phrases, Space, region, said, whole
from transports.terminal.text import Row

_STYLE = Style.from_dict(STYLE)
_MENU_ROWS = 6


class Keyboard(Vt100Input):
    """Notices a terminal that hung up, which prompt_toolkit alone would go on reading for ever."""

    @override
    def read_keys(self) -> list[KeyPress]:
        keys = super().read_keys()
        if not keys and _hung_up(self.fileno()):
            self.stdin_reader.closed = True
        return keys


def _hung_up(source: int) -> bool:
    poll = select.poll()
    poll.register(source, select.POLLIN)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


class LiveFace:
    """Closed screens and answers scroll away above; what is open stays at the bottom with the input line.

    The mouse is left to the terminal: reporting it to us would take away its scrolling and copying.
    """

    def __init__(self, keyboard: Input, display: Output) -> None:
        self._keyboard = keyboard
        self._display = display
        self._board = Board()
        self._phrases = Phrases()
        self._above: list[Row] = []
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        self._to_print = asyncio.Event()
        self._busy = False
        self._secret = False
        self._app: Application[None] | None = None
        self._completer = CommandCompleter(())

    @classmethod
    def on(cls, source: TextIO, sink: TextIO) -> LiveFace:
        """A face on a terminal that is open as two text files."""
        return cls(Keyboard(source), create_output(sink))

    def furnish(self, board: Board, phrases: Phrases, commands: Sequence[tuple[str, str]]) -> None:
        """See `Face`."""
        self._board = board
        self._phrases = phrases
        self._completer = CommandCompleter(commands)

    async def run(self, heard: Heard) -> None:
        """See `Face`; Ctrl-D, and Ctrl-C on an empty line, end it."""
        app = self._app = self._application()

        def start() -> None:
            for work in (self._answer(heard), self._print_above()):
                app.create_background_task(work).add_done_callback(_end_with(app))

        try:
            await app.run_async(pre_run=start, set_exception_handler=False, handle_sigint=False)
        except EOFError:
            return  # the terminal hung up: nobody is there to read the rest
        finally:
            self._app = None
        self._print(self._above)

    def show(self, shown: Shown) -> None:
        """See `Face`."""
        if not shown.live and shown.before != shown.after:
            width = self._space().text_width
            self._scroll(whole(shown, self._board, self._phrases, width))
        self.refresh()

    def say(self, words: str) -> None:
        """See `Face`."""
        self._scroll([*said(words, "answer", self._space().text_width), []])

    def echo(self, line: str) -> None:
        """See `Face`."""
        self._scroll(said(f"> {without_passwords(line)}", "echo", self._space().text_width))

    def hide(self, secret: bool) -> None:
        """See `Face`."""
        self._secret = secret
        self.refresh()

    def refresh(self) -> None:
        """See `Face`."""
        if self._app:
            self._app.invalidate()

    def _scroll(self, rows: Iterable[Row]) -> None:
        self._above.extend(rows)
        self._to_print.set()

    async def _answer(self, heard: Heard) -> None:
        while True:
            line = await self._typed.get()
            self._busy = True
            await heard(line)
            self._busy = False
            self.refresh()

    async def _print_above(self) -> None:
        while True:
            await self._to_print.wait()
            async with in_terminal():
                self._to_print.clear()
                rows, self._above = self._above, []
                self._print(rows)

    def _print(self, rows: Iterable[Row]) -> None:
        print_formatted_text(self._display, FormattedText(_joined(rows)), _STYLE)

    def _space(self) -> Space:
        size = self._display.get_size()
        return Space(size.columns, size.rows)

    def _application(self) -> Application[None]:
        buffer = Buffer(
            completer=self._completer,
            complete_while_typing=True,
            history=_History(lambda: self._secret),
            multiline=False,
            accept_handler=self._accept,
        )
        # as high as it needs to be, no more: the rest of the terminal belongs to the scrollback
        open_screens = Window(FormattedTextControl(self._region), dont_extend_height=True)
        stars = ConditionalProcessor(PasswordProcessor(), Condition(lambda: self._secret))
        prompt = BufferControl(buffer, input_processors=[stars, BeforeInput(self._prompt)])
        line = Window(prompt, dont_extend_height=True, wrap_lines=True)
        menu = CompletionsMenu(max_height=_MENU_ROWS)
        return Application(
            layout=Layout(HSplit([open_screens, line, menu]), focused_element=line),
            style=_STYLE,
            key_bindings=_bindings(buffer),
            input=self._keyboard,
            output=self._display,
            erase_when_done=True,
            mouse_support=False,
        )

    def _region(self) -> FormattedText:
        return FormattedText(_joined(region(self._board, self._phrases, self._space()))[:-1])

    def _prompt(self) -> FormattedText:
        return FormattedText([("class:prompt", "… " if self._busy else "> ")])

    def _accept(self, buffer: Buffer) -> bool:
        # what is pasted may have several lines
        for line in buffer.text.splitlines() or [""]:
            if is_farewell(line):
                _leave(self._app)
                break
            self._typed.put_nowait(line)
        return False  # empties the input line


class CommandCompleter(Completer):
    """Names of commands behind ``/`` or ``!``, each with its summary beside it."""

    def __init__(self, commands: Sequence[tuple[str, str]]) -> None:
        self._commands = commands

    @override
    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        typed = document.text_before_cursor
        if typed[:1] in {"/", "!"} and " " not in typed:
            for name, summary in self._commands:
                if name.startswith(typed[1:].lower()):
                    yield Completion(name, start_position=1 - len(typed), display_meta=summary)


class _History(InMemoryHistory):
    """Keeps commands: neither numbers, which mean something else later, nor passwords."""

    def __init__(self, secret: Callable[[], bool]) -> None:
        super().__init__()
        self._secret = secret

    @override
    def append_string(self, string: str) -> None:
        if not self._secret() and not string.strip().isdecimal() and without_passwords(string) == string:
            super().append_string(string)


def _joined(rows: Iterable[Row]) -> Row:
    return [fragment for row in rows for fragment in (*row, ("", "\n"))]


def _bindings(buffer: Buffer) -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("c-d")
    def _(event: KeyPressEvent) -> None:
        if buffer.text:
            buffer.delete()
        else:
            _leave(event.app)

    @bindings.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if buffer.text:
            buffer.reset()
        else:
            _leave(event.app)

    return bindings


def _leave(app: Application[None] | None) -> None:
    if app and app.is_running and not app.is_done:
        app.exit()


def _end_with(app: Application[None]) -> Callable[[asyncio.Task[None]], None]:
    """A worker that fails ends the session with its exception, rather than leave a deaf terminal."""

    def ended(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error and not app.is_done:
            app.exit(exception=error)

    return ended
