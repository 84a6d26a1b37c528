"""Logs: one line per hop and post, without bodies, tokens or passwords."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer


class _Unfailing:
    """A stream whose trouble stays its own: a full disk or a reader that left must not stop a mail."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.isatty = stream.isatty

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def log_to(file: Path | None = None, level: int = logging.INFO) -> None:
    """Write logs to `file`, else to standard error: for people on a terminal, elsewhere as JSON lines."""
    stream = _Unfailing(file.open("a", encoding="utf-8") if file else sys.stderr)
    for_people: list[structlog.typing.Processor] = [
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    ]
    for_programs: list[structlog.typing.Processor] = [
        # tracebacks without the values of variables, which may be passwords or mails
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(for_people if stream.isatty() else for_programs),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, stream)),
        cache_logger_on_first_use=True,
    )
