"""The command line. Exit codes: 0 done, 1 something failed, 2 the command or configuration is wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from bot.chat.readable import harmless
from bot.core.chat import File
from bot.core.errors import FacteurError, UserError, why
from bot.core.text import Text, verbatim
from bot.logs import log_to
from config.loading import ConfigurationError, load
from config.settings import Settings

if TYPE_CHECKING:
    from bot.app import App
    from bot.core.stores import Hold
    from bot.core.text import Language

log = structlog.get_logger()

cli = typer.Typer(
    name="facteur",
    help="A mailbox as a moderated mailing list, moderated in chat.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class _Invocation:
    """What was said before the command."""

    config: Path | None = None


@cli.callback()
def _options(
    config: Annotated[
        Path | None, typer.Option(help="The configuration file.", show_default="facteur.toml")
    ] = None,
) -> None:
    _Invocation.config = config


@cli.command()
def run(
    only: Annotated[str, typer.Option(help="Some of its parts: poll,chat,deliver.")] = "",
) -> None:
    """Run the service until it is told to stop."""
    from bot.app import PARTS

    parts = [part.strip() for part in only.split(",") if part.strip()] or list(PARTS)
    if wrong := set(parts) - set(PARTS):
        raise typer.BadParameter(f"{', '.join(sorted(wrong))}: only {', '.join(PARTS)}")

    async def serve(app: App) -> int:
        async with app.running(parts) as held:
            app.start(parts)
            log.info("running", parts=parts)
            told = await _told_to_stop(held)
            log.info("stopping")
            await app.service.stop()  # before the locks are let go
        return 0 if told else 1

    _with_app(serve, logged=True)


@cli.command()
def poll() -> None:
    """One pass, for hosts with nothing but cron: take in, then send what is due."""

    async def one_pass(app: App) -> int:
        async with app.running(("poll", "deliver"), alone=True):
            troubles = await app.one_pass()
        for address, trouble in troubles.items():
            _complain(app.desk.languages.default, Text("{list}: {trouble}", list=address, trouble=trouble))
        return 0

    _with_app(one_pass, logged=True)


@cli.command()
def check() -> None:
    """Try every connection and account, one line each."""

    async def check_all(app: App) -> int:
        checks, lists = app.desk.checks, await app.stores.lists.all()
        found = []
        if app.settings.smtp.host:
            found.append(("[smtp]", await checks.check_common()))
        for mlist in lists:
            found += [(mlist.address, checked) for checked in await app.check_list(mlist)]
        found += await app.check_chats()
        language = app.desk.languages.default
        for where, checked in found:
            state = checked.trouble or checked.pending or verbatim("OK")
            said = Text("{where}: {what}: {state}", where=where, what=checked.what, state=state)
            typer.echo(harmless(said.render(language)))
            for more in (*([checked.note] if checked.note else []), *checked.said):
                typer.echo(harmless(f"{where}: {more.render(language)}"))
        if not lists:
            typer.echo(Text("There is no list yet. /addlist makes one.").render(language))
        return int(any(checked.trouble for _, checked in found))

    _with_app(check_all)


@cli.command("do")
def do(
    command: Annotated[
        str,
        typer.Argument(
            help="A chat command, such as '/lists'; - reads it from standard input.", metavar="'COMMAND'"
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Any chat command, as the local administrator, beside a running service."""
    # arguments are seen by everybody on the machine, and kept by the shell: no place for a password
    line = sys.stdin.read().strip() if command == "-" else command

    async def once(app: App) -> int:
        from bot.app import local_person

        done = await app.dispatcher.run_line(line, local_person())
        paths = [str(_saved(file)) for file in done.files]
        if as_json:
            written = [*paths, str(done.written)] if done.written else paths
            _print_json(ok=done.ok, text=done.text, rows=done.rows, file=written[0] if written else None)
        else:
            typer.echo("\n".join([done.text, *paths]))
        return 0 if done.ok else 1

    _with_app(once, as_json=as_json)


@cli.command()
def console() -> None:
    """The terminal as a moderators' room."""

    async def moderate(app: App) -> int:
        from bot.app import terminal_room

        log_to(app.data_dir / "console.log")  # the screen belongs to the cards
        if not await app.is_served():
            alone = Text("No service runs on these data: mail comes and goes once facteur run is started.")
            typer.echo(alone.render(app.desk.languages.default))
        await app.moderate(*terminal_room(app))
        return 0

    _with_app(moderate)


@cli.command()
def migrate() -> None:
    """Bring the database to the current schema (every command that opens it does so too)."""

    async def nothing_more(app: App) -> int:  # noqa: ARG001 - opening it was all
        return 0

    _with_app(nothing_more)


@cli.command()
def demo(
    auto: Annotated[
        bool, typer.Option("--auto", help="Play it without a person and check each step.")
    ] = False,
) -> None:
    """The whole thing on this machine, with nothing to configure."""
    try:
        from bot.demo.play import play
    except ModuleNotFoundError as error:
        typer.echo(f"The demo needs {error.name}: pip install 'facteur[demo]'", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(asyncio.run(play(auto=auto)))


def main() -> None:
    """Entry point of the ``facteur`` script."""
    cli()


def _with_app(
    work: Callable[[App], Coroutine[Any, Any, int]], *, as_json: bool = False, logged: bool = False
) -> None:
    """Open everything, do the work, and leave with its exit code."""
    settings = _settings(as_json=as_json)
    log_to(level=logging.INFO if logged else logging.WARNING)

    async def opened() -> int:
        from bot.app import open_app

        async with open_app(settings) as app:
            return await work(app)

    try:
        code = asyncio.run(opened())
    except FacteurError as error:
        from bot.chat.language import Languages
        from bot.core.clock import Clock

        language = Languages(settings.language, settings.zone, Clock()).default
        if as_json:
            _print_json(ok=False, text=error.text.render(language), rows=[], file=None)
        else:
            _complain(language, error.text)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # a thread may still hang in a name look-up, which nothing can cut; everything is stored by now
    os._exit(code)


def _saved(file: File) -> Path:
    """Put a file that was handed out into the current folder."""
    from transports.terminal.files import save

    try:
        return save(Path.cwd(), file.name, file.content)
    except OSError as error:
        raise UserError(
            Text("{file} cannot be written here: {why}", file=file.name, why=why(error))
        ) from error


def _settings(*, as_json: bool) -> Settings:
    try:
        return load(_Invocation.config)
    except ConfigurationError as error:
        from bot.chat.language import catalogue

        sentence = catalogue(error.language).gettext
        said = "\n".join(
            f"{each.key}: {sentence(each.template).format(**each.values)}" for each in error.mistakes
        )
        typer.echo(said, err=True)
        if as_json:
            _print_json(ok=False, text=said, rows=[], file=None)
        raise typer.Exit(2) from None


def _print_json(*, ok: bool, text: str, rows: Sequence[Mapping[str, Any]], file: str | None) -> None:
    typer.echo(json.dumps({"ok": ok, "text": text, "rows": [*rows], "file": file}, ensure_ascii=False))


def _complain(language: Language, text: Text) -> None:
    typer.echo(harmless(text.render(language)), err=True)


async def _told_to_stop(held: Hold) -> bool:
    """Wait for a signal; False if another process has taken the place of this one."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    ousted, told = asyncio.create_task(held.lost()), asyncio.create_task(stopping.wait())
    await asyncio.wait({ousted, told}, return_when=asyncio.FIRST_COMPLETED)
    ousted.cancel()
    if not stopping.is_set():
        told.cancel()
        log.error("another process has taken over while this one was cut off from the database")
    return stopping.is_set()


if __name__ == "__main__":
    main()
