"""How a reader is spoken to: gettext catalogues for sentences, Babel for moments and numbers.

A catalogue is read from its ``.po`` at first use: there is no build step, nothing compiled to keep
in step with the source. Babel is imported only then, because short commands need none of it.
"""

from __future__ import annotations

import gettext
import io
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.core.clock import Clock
from bot.core.text import N_, Day, Size, Text, Value, locale_of, plain_size

if TYPE_CHECKING:
    from babel import Locale

LOCALE_FOLDER = Path(__file__).parent / "locale"
DOMAIN = "facteur"
LANGUAGES = ("en", "fr")
"""Codes of the languages that are shipped complete; English is the templates themselves."""

_GROUPED = 1_000
"""From here on thousands are set apart; smaller numbers need no Babel."""

_UNITS = (N_("B"), N_("kB"), N_("MB"))


class Languages:
    """Every language, for readers in one time zone."""

    def __init__(self, default: str, zone: ZoneInfo, clock: Clock) -> None:
        """`default`: the organisation's language, also for a room or list without one of its own."""
        self._known = {code: BabelLanguage(code, zone, clock) for code in LANGUAGES}
        self.zone = zone
        self.default = self._known.get(default, self._known["en"])

    def of(self, code: str) -> BabelLanguage:
        """The language `code`; empty or unknown means the organisation's."""
        return self._known.get(code, self.default)


class BabelLanguage:
    """`bot.core.text.Language` for one language and time zone."""

    def __init__(self, code: str, zone: ZoneInfo, clock: Clock) -> None:
        self.code = code
        self._zone = zone
        self._clock = clock

    def sentence(self, template: str) -> str:
        return catalogue(self.code).gettext(template) if template else ""

    def plural(self, one: str, many: str, count: int) -> str:
        return catalogue(self.code).ngettext(one, many, count)

    def value(self, value: Value) -> str:
        match value:
            case Text():
                return value.render(self)
            case Size():
                return self._size(value)
            case Day():
                return self._day(value.moment)
            case datetime():
                return self._moment(value)
            case str() | int():
                return value if isinstance(value, str) else self._number(value)
            case _:
                return ", ".join(self.value(item) for item in value)

    @cached_property
    def _locale(self) -> Locale:
        from babel import Locale

        return Locale.parse(locale_of(self.code))

    def _moment(self, moment: datetime) -> str:
        """``14:02`` today, ``3 Mar, 14:02`` this year, ``3 Mar 2024, 14:02`` before."""
        from babel.dates import format_skeleton, format_time

        here, now = moment.astimezone(self._zone), self._clock.now().astimezone(self._zone)
        time = format_time(here, "short", locale=self._locale)
        if here.date() == now.date():
            return time
        skeleton = "MMMd" if here.year == now.year else "yMMMd"
        return f"{format_skeleton(skeleton, here, locale=self._locale)}, {time}"

    def _day(self, moment: datetime) -> str:
        from babel.dates import format_date

        return format_date(moment.astimezone(self._zone), "long", locale=self._locale)

    def _number(self, number: int) -> str:
        from babel.numbers import format_decimal

        return format_decimal(number, locale=self._locale) if abs(number) >= _GROUPED else str(number)

    def _size(self, size: Size) -> str:
        from babel.numbers import format_decimal

        number, unit = plain_size(size).split()
        return f"{format_decimal(number, locale=self._locale)} {self.sentence(unit)}"


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """The sentences of a language; those of a language without a catalogue stay as they are."""
    path = LOCALE_FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not path.exists():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
