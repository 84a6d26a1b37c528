"""Every command, defined once: parsing, help, menus, the table in the documentation and the rank.

A command is a function; its parameters are its signature. A positional parameter is a word (or the
rest of the line), a keyword-only one is a ``key=value``; what has a default may be left out. The
`Kind` in each annotation reads the word and names it in the usage line:

    @command("eml", N_("Hand out a post as a file"), rank=Rank.MODERATOR)
    async def eml(desk: Desk, call: Call, post: PostId) -> Reply: ...
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Protocol, get_type_hints

from bot.chat.desk import Call, Desk, Reply
from bot.chat.words import Missing, Words
from bot.core.errors import UserError
from bot.core.people import Rank
from bot.core.text import Text

Executor = Callable[..., Awaitable[Reply]]
Raise = Callable[[Mapping[str, Any]], Rank]
"""The rank that these arguments take, where some take a higher one than the command as such."""

NAME = re.compile(r"[a-z0-9_]{1,32}")
SUMMARY_LIMIT = 256

_MODULES = (
    "general",
    "lists",
    "lifecycle",
    "rooms",
    "people",
    "directory",
    "imports",
    "moderation",
    "archives",
    "outbox",
    "bounces",
    "templates",
    "bans",
    "audit",
)
"""Modules of ``bot.chat.commands``, in the order of help."""


class Kind(Protocol):
    """How one parameter is read from the line."""

    @property
    def label(self) -> str:
        """What stands for it in a usage line, as a template: ``LIST``."""
        ...

    async def read(self, words: Words, desk: Desk, call: Call) -> Any:  # noqa: ANN401 - the executor's annotation says it
        """Take what it needs from `words`. Raises UserError where it makes no sense, Missing at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a command; an option is written ``name=LABEL`` anywhere in the line."""

    name: str
    kind: Kind
    required: bool
    option: bool

    @property
    def usage(self) -> str:
        """With ``{name}`` where the label stands."""
        written = f"{self.name}={{{self.name}}}" if self.option else f"{{{self.name}}}"
        return written if self.required else f"[{written}]"


@dataclass(frozen=True)
class Command:
    """One command; `summary` and `hint` are templates for the reader's language."""

    name: str
    summary: str
    rank: Rank
    run: Executor
    raises: Raise | None
    example: str = ""
    """A line to begin with, where the usage alone does not tell what to type."""
    hint: str = ""

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """In the order of the line, options last."""
        hints = get_type_hints(self.run, include_extras=True)
        parameters = list(inspect.signature(self.run).parameters.values())[2:]  # behind desk and call
        return tuple(
            Param(
                name=parameter.name,
                kind=hints[parameter.name].__metadata__[0],
                required=parameter.default is parameter.empty,
                option=parameter.kind is parameter.KEYWORD_ONLY,
            )
            for parameter in parameters
        )

    @property
    def usage(self) -> Text:
        """``/reject ID [REASON]``."""
        template = " ".join([f"/{self.name}", *(param.usage for param in self.params)])
        return Text(template, **{param.name: Text(param.kind.label) for param in self.params})

    def rank_for(self, arguments: Mapping[str, Any]) -> Rank:
        """The rank that this use of it takes."""
        return max(self.rank, self.raises(arguments)) if self.raises else self.rank

    async def parsed(self, line: str, desk: Desk, call: Call) -> dict[str, Any]:
        """The arguments in `line`, which is what follows the name. Raises UserError with the usage."""
        words = Words(line, [param.name for param in self.params if param.option])
        arguments = {}
        try:
            for param in self.params:
                source = _option(words, param) if param.option else words
                if source or param.required:
                    arguments[param.name] = await param.kind.read(source, desk, call)
        except Missing as missing:
            said = [
                Text(
                    "{label} is missing. It is written: {usage}", label=Text(missing.label), usage=self.usage
                )
            ]
            if self.example:
                said.append(Text("For example: {example}", example=self.example))
            raise UserError(Text("{mistakes}", mistakes=said)) from None
        if words:
            raise UserError(
                Text(
                    "“{word}” makes no sense here. It is written: {usage}",
                    word=words.peek(),
                    usage=self.usage,
                )
            )
        return arguments


def _option(words: Words, param: Param) -> Words:
    return Words.single(words.options[param.name]) if param.name in words.options else Words("")


_COMMANDS: dict[str, Command] = {}


def command(
    name: str, summary: str, *, rank: Rank, raises: Raise | None = None, example: str = "", hint: str = ""
) -> Callable[[Executor], Executor]:
    """Register the function below under `name`; permission is tested before it is called."""

    def register(run: Executor) -> Executor:
        if name in _COMMANDS:
            raise ValueError(name)
        _COMMANDS[name] = Command(name, summary, rank, run, raises, example, hint)
        return run

    return register


@cache
def commands() -> Mapping[str, Command]:
    """Every command by name, in the order of help, whichever module was imported first."""
    return {
        known.name: known
        for module in _MODULES
        for known in _registered_by(import_module(f"bot.chat.commands.{module}").__name__)
    }


def _registered_by(module: str) -> list[Command]:
    return [known for known in _COMMANDS.values() if known.run.__module__ == module]


def find(name: str) -> Command:
    """The command called `name`. Raises UserError, which says what was perhaps meant."""
    known = commands()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        raise UserError(Text("There is no /{name}. Did you mean /{near}?", name=name, near=near[0]))
    raise UserError(Text("There is no /{name}. /help shows what there is.", name=name))


def menu(rank: Rank) -> list[Command]:
    """What somebody of this rank may use: for help, completion and a network's own menu."""
    return [known for known in commands().values() if known.rank <= rank]
