"""Which parts run, kept equal to which should: as lists, accounts and rooms come and go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.flow.runner import Runner


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part that should run; it is restarted when `identity` differs from that of the running one."""

    identity: object
    start: Callable[[], None]


class Following:
    """The parts of one kind."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._running: dict[str, object] = {}

    def bring_about(self, wanted: Mapping[str, Wanted]) -> None:
        """Stop what is not wanted any more (or not like that), start what is missing.

        What is stopped ends the transaction under way, beside what takes its place.
        """
        for name, identity in list(self._running.items()):
            if name not in wanted or wanted[name].identity != identity:
                self._runner.stop(name)
                del self._running[name]
        for name, part in wanted.items():
            if name not in self._running:
                part.start()
                self._running[name] = part.identity
