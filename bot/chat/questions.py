"""What somebody can be asked, and dialogues of several questions: their steps as data.

A step says what it asks, given the answers so far, and what the answer adds to them. It is asked, kept and
answered like the question for a parameter that a command lacks (`bot.chat.dialogues`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.chat.desk import Call, Desk, Option, Reply
from bot.core.text import Text

Given: TypeAlias = Mapping[str, str]
"""The answers so far, by step, in the order in which they were given."""

Run: TypeAlias = Callable[[str, Call], Awaitable[Reply]]
"""Does a command line as if it had been typed."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be answered by words or a tap.

    Attributes:
        said: one text a line.
        rows: what can be tapped; `data` is the answer that it stands for.
        secret: the answer goes from the chat, and is given where nobody else reads it.
        takes_file: a file may be the answer.
    """

    said: tuple[Text, ...]
    rows: tuple[tuple[Option, ...], ...] = ()
    secret: bool = False
    takes_file: bool = False


def promised(call: Call) -> Text:
    """What becomes of a secret that is typed: in the console there is no message to be deleted."""
    if call.speaker.is_login:
        return Text("It is shown nowhere while you type it.")
    return Text("I delete your message once I have read it.")


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that answers itself, and what there is to say of it."""

    answer: str
    said: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Step:
    """One question of a dialogue.

    Attributes:
        name: the answers have it by this name.
        ask: what is asked; None = nothing, given the answers so far.
        read: the answers with this one. Raises UserError where it makes no sense.
        by_itself: nobody answers it as a rule, so the way back leads past it.
    """

    name: str
    ask: Callable[[Desk, Call, Given], Awaitable[Question | Passed | None]]
    read: Callable[[Desk, Call, Given, str], Awaitable[Given]]
    by_itself: bool = False


@dataclass(frozen=True)
class Script:
    """The dialogue of a command that lacks arguments.

    Attributes:
        steps: in the order in which they are asked.
        begun: the answers that the arguments are which were typed.
        finish: what the answers come to.
    """

    steps: Sequence[Step]
    begun: Callable[[Mapping[str, Any]], Given]
    finish: Callable[[Desk, Call, Given, Run], Awaitable[Reply]]

    def step(self, name: str) -> Step:
        """The step called `name`."""
        return next(step for step in self.steps if step.name == name)

    def before(self, given: Given, name: str) -> Given:
        """The answers without the last one that a person gave in front of the step called `name`."""
        kept = dict(given)
        kept.pop(name, None)
        while kept:
            last, _ = kept.popitem()
            if not self.step(last).by_itself:
                break
        return kept

    async def next(self, desk: Desk, call: Call, given: Given) -> Asked:
        """The first step without an answer that asks something."""
        answers, said = dict(given), list[Text]()
        for step in self.steps:
            if step.name in answers:
                continue
            found = await step.ask(desk, call, answers)
            if isinstance(found, Question):
                return Asked(answers, tuple(said), step, found)
            if found:
                answers[step.name] = found.answer
                said += found.said
        return Asked(answers, tuple(said))


@dataclass(frozen=True, slots=True)
class Asked:
    """How far the answers lead: what was said on the way, and the question; no step = all is answered."""

    given: Given
    said: tuple[Text, ...]
    step: Step | None = None
    question: Question = field(default_factory=lambda: Question(()))
