"""Lines that hold a secret, and lines in which a slip is mended: what was meant is a tap away."""

from __future__ import annotations

import re

from bot.chat.desk import Option, Reply, mistakes
from bot.chat.registry import commands
from bot.chat.words import Typed
from bot.core.errors import Meant
from bot.core.settings import SECRETS
from bot.core.text import Text

_SECRET = re.compile(rf"\b({'|'.join(SECRETS)})\s*=\s*\S", re.IGNORECASE)
_SECRET_SETTING = re.compile(rf"(\S+\s+)?({'|'.join(SECRETS)})\s+\S", re.IGNORECASE)
"""A password in a line, whatever the rest of it is worth, and one behind the name of its setting."""


def holds_setting(line: str) -> bool:
    """Whether a password stands in it as a setting, whatever the rest is worth."""
    return bool(_SECRET.search(line))


def corrected(slip: Meant, spoken: Typed) -> Reply:
    """What was wrong, and a button that says what was probably meant: a tap away, never done by itself."""
    name, rest = spoken.name, spoken.rest
    if slip.written == name and name not in commands():
        name = slip.meant
    else:
        word = re.compile(rf"(?<![\w.@-]){re.escape(slip.written)}(?![\w.@-])", re.IGNORECASE)
        rest = word.sub(lambda _: slip.meant, rest, count=1)
    meant = Typed(name, rest)
    line = f"/{name} {rest}".strip()
    button = Option(Text("➡️ {line}", line=line), line)
    changed = (name, rest) != (spoken.name, spoken.rest)
    safe = changed and button.fits and not holds_setting(rest) and not holds_secret(meant)
    return Reply(said=mistakes(slip), options=((button,),) if safe else (), ok=False)


def holds_secret(spoken: Typed) -> bool:
    """Whether a command was said with a secret, or with what may be one."""
    params = known.params if (known := commands().get(spoken.name)) else ()
    of_setting = any(param.name == "key" for param in params) and _SECRET_SETTING.match(spoken.rest.strip())
    return bool(of_setting or (spoken.rest.strip() and any(param.secret for param in params)))
