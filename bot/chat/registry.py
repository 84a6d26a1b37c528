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
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Protocol, get_type_hints

from bot.chat.desk import Call, Desk, Option, Reply
from bot.chat.questions import Script
from bot.chat.words import Missing, Words
from bot.core.errors import Meant, UserError
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.text import Text

Executor = Callable[..., Awaitable[Reply]]
Raise = Callable[[Mapping[str, Any]], Rank]
"""The rank that these arguments take, where some take a higher one than the command as such."""

SECRET = object()
"""Stands beside the `Kind` in the annotation of a parameter that is a secret."""

NAME = re.compile(r"[a-z0-9_]{1,32}")
SUMMARY_LIMIT = 256
_NEAR = 0.75
_NOTHING: Mapping[str, str] = {}

_MODULES = (
    "general",
    "identity",
    "lists",
    "panel",
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
    "welcome",
    "bans",
    "stats",
    "audit",
)
"""Modules of ``bot.chat.commands``, in the order of help."""


class Kind(Protocol):
    """How one parameter is read from the line, and asked for where it is missing."""

    @property
    def label(self) -> str:
        """What stands for it in a usage line, as a template: ``LIST``."""
        ...

    @property
    def question(self) -> str:
        """What somebody is asked who left it out, as a template; empty where it is never asked for."""
        ...

    async def read(self, words: Words, desk: Desk, call: Call) -> Any:  # noqa: ANN401 - the executor's annotation says it
        """Take what it needs from `words`. Raises UserError where it makes no sense, Missing at the end."""
        ...

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        """Answers to the question that can be tapped; `data` is what somebody would type."""
        ...


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a command; an option is written ``name=LABEL`` anywhere in the line.

    A `secret` is asked for in private only, and what held it goes from the chat.
    """

    name: str
    kind: Kind
    required: bool
    option: bool
    secret: bool = False

    @property
    def usage(self) -> str:
        """With ``{name}`` where the label stands."""
        written = f"{self.name}={{{self.name}}}" if self.option else f"{{{self.name}}}"
        return written if self.required else f"[{written}]"


class Unanswered(UserError):
    """A parameter is to be asked for: it is missing, or the answer to the question made no sense.

    Attributes:
        text: what those are told who cannot be asked.
        param: the parameter.
        arguments: those before it, by name.
        mistake: what was wrong with the answer; None where there was none yet.
    """

    def __init__(
        self, text: Text, param: Param, arguments: Mapping[str, Any], mistake: Text | None = None
    ) -> None:
        super().__init__(text)
        self.param = param
        self.arguments = arguments
        self.mistake = mistake


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
    script: Script | None = None
    """What somebody is asked, step by step, who leaves arguments out."""

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
                secret=SECRET in hints[parameter.name].__metadata__,
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

    def param(self, name: str) -> Param:
        """The parameter called `name`."""
        return next(param for param in self.params if param.name == name)

    async def parsed(
        self, line: str, desk: Desk, call: Call, given: Mapping[str, str] = _NOTHING
    ) -> dict[str, Any]:
        """The arguments in `line`, which is what follows the name, and in the answers `given` to questions.

        Raises:
            Unanswered: one is missing, or its answer makes no sense.
            UserError: the line makes no sense; with the usage.
        """
        words = Words(line, [param.name for param in self.params if param.option])
        arguments: dict[str, Any] = {}
        for param in self.params:
            try:
                if param.name in given:
                    arguments[param.name] = await self._answer(
                        param, given[param.name], arguments, desk, call
                    )
                elif (source := _option(words, param) if param.option else words) or param.required:
                    arguments[param.name] = await param.kind.read(source, desk, call)
            except Missing as missing:
                if missing.near:
                    raise Meant(missing.text, missing.word, missing.near) from None
                if missing.word and not self._is_left_out(param, missing, words):
                    raise UserError(missing.text) from None
                raise Unanswered(self._complaint(missing), param, arguments) from None
        if words:
            raise _slip(words.peek(), arguments.values()) or self._senseless(words)
        return arguments

    async def _answer(
        self, param: Param, answer: str, before: Mapping[str, Any], desk: Desk, call: Call
    ) -> Any:  # noqa: ANN401 - as `Kind.read`
        """The value of an answer that was typed or tapped. Raises Unanswered, with the mistake in it."""
        words = Words(answer)
        try:
            value = await param.kind.read(words, desk, call)
            if words:
                raise self._senseless(words)
        except UserError as error:
            raise Unanswered(error.text, param, before, _mistake(error)) from None
        return value

    def _is_left_out(self, param: Param, missing: Missing, words: Words) -> bool:
        """Whether what stands in the place of `param` is rather the beginning of what follows it."""
        behind = self.params[self.params.index(param) + 1 :]
        needed = sum(each.required for each in behind)
        return bool(needed) and not missing.near and (words.at_pair or len(words) <= needed)

    def _complaint(self, missing: Missing) -> Text:
        if missing.explained:
            return missing.text
        label = Text(missing.label)
        said = [Text("{label} is missing. It is written: {usage}", label=label, usage=self.usage)]
        if self.example:
            said.append(Text("For example: {example}", example=self.example))
        return Text("{mistakes}", mistakes=said)

    def _senseless(self, words: Words) -> UserError:
        return UserError(
            Text("“{word}” makes no sense here. It is written: {usage}", word=words.peek(), usage=self.usage)
        )


def _slip(word: str, values: Iterable[Any]) -> Meant | None:
    """A word too many is nearly the name of the only list there is, which was taken for granted."""
    for mlist in values:
        names = (mlist.local_part, mlist.address) if isinstance(mlist, MailingList) else ()
        if near := difflib.get_close_matches(word.lower(), names, n=1, cutoff=_NEAR):
            text = Text("No list is called “{word}”. Did you mean {near}?", word=word, near=near[0])
            return Meant(text, word, near[0])
    return None


def _mistake(error: UserError) -> Text:
    """The question is put again below it, with what there is to choose from."""
    if isinstance(error, Missing) and error.word and not error.near:
        return Text("No list is called “{word}”.", word=error.word)
    return error.text


def _option(words: Words, param: Param) -> Words:
    return Words.single(words.options[param.name]) if param.name in words.options else Words("")


_COMMANDS: dict[str, Command] = {}


def command(  # noqa: PLR0913 - a command has that many properties
    name: str,
    summary: str,
    *,
    rank: Rank,
    raises: Raise | None = None,
    example: str = "",
    hint: str = "",
    script: Script | None = None,
) -> Callable[[Executor], Executor]:
    """Register the function below under `name`; permission is tested before it is called."""

    def register(run: Executor) -> Executor:
        if name in _COMMANDS:
            raise ValueError(name)
        _COMMANDS[name] = Command(name, summary, rank, run, raises, example, hint, script)
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
        text = Text("There is no /{name}. Did you mean /{near}?", name=name, near=near[0])
        raise Meant(text, name, near[0])
    raise UserError(Text("There is no /{name}. /help shows what there is.", name=name))


def menu(rank: Rank) -> list[Command]:
    """What somebody of this rank may use: for help, completion and a network's own menu."""
    return [known for known in commands().values() if known.rank <= rank]
