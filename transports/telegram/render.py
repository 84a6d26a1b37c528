"""Screens as messages of Telegram: HTML of a small tag set, within its limits. Pure.

Everything is cut before it is written as markup, so no cut ever falls inside a tag or an entity.
Lengths count as Telegram counts: UTF-16 code units, after the markup is taken out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape

from bot.core.chat import Line, Screen, Span

TEXT_LIMIT = 4_096
"""Of one message (Bot API, sendMessage: text)."""

_LONG_QUOTE = 400
"""From here on a quotation is folded until somebody taps it."""
_LEAST_QUOTE = 300
"""What a card always keeps of the mail's text, however long its lines are."""
_QUOTE_PIECE = 3_500
_TAGS_A_MESSAGE = 90
"""Telegram drops what is beyond 100 entities, and it finds some by itself (links, addresses)."""

_SECTION_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_JOINTS = "\u200c\u200d"  # of emoji and of Persian and Indic words
_SUMMONS = re.compile(r"(?<![\w/<>])([/@#$])(?=\w)")
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Part:
    """One message: `html` for Telegram's HTML mode, `plain` the same words for when that is refused."""

    html: str
    plain: str


@dataclass(frozen=True, slots=True)
class _Block:
    """A line, or a quotation."""

    spans: Line
    quoted: bool = False

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)

    @property
    def html(self) -> str:
        inside = "".join(_html(span) for span in self.spans)
        if not self.quoted:
            return inside
        folds = " expandable" if length(self.text) > _LONG_QUOTE else ""
        return f"<blockquote{folds}>{inside}</blockquote>"

    @property
    def plain(self) -> str:
        return "\n".join(f"> {each}" for each in self.text.split("\n")) if self.quoted else self.text

    @property
    def tags(self) -> int:
        return self.quoted + sum(span.strong + span.code for span in self.spans)


def card(screen: Screen) -> Part:
    """A screen as exactly one message: the quotation gives way first, then the last lines."""
    above, below = _lines(screen.lines), _lines(screen.below)
    quote = clean(screen.quote).strip()
    taken = sum(length(block.text) + 1 for block in (*above, *below))
    room = max(TEXT_LIMIT - taken - 2, _LEAST_QUOTE)
    blocks = [*above, *_quotation(cut(quote, room)), *below]
    return _part(_fitted(blocks))


def parts(screen: Screen) -> list[Part]:
    """A screen as one or more messages, with every word of it; none where there are no words."""
    quote = clean(screen.quote).strip()
    blocks: list[_Block] = []
    for block in _lines(screen.lines):
        blocks += _pieces_of(block)
    for piece in pieces(quote, _QUOTE_PIECE):
        blocks += _quotation(piece)
    for block in _lines(screen.below):
        blocks += _pieces_of(block)
    return [_part(each) for each in _packed(blocks) if any(block.text.strip() for block in each)]


def calling(part: Part, user: int, name: str) -> Part:
    """The same with somebody named above it, who gets to know that it is for them."""
    named = clean(name)
    return Part(
        f'<a href="tg://user?id={user}">{escape(named, quote=False)}</a>\n{part.html}',
        f"{named}\n{part.plain}",
    )


def clean(text: str) -> str:
    """What Telegram takes and what shows as it is.

    Lone surrogates, controls and characters without a place in Unicode become U+FFFD, and so do those
    that turn text round; invisible ones go. Joints stay: emoji and some scripts are made with them.
    """
    return "".join(map(_cleaned, _SECTION_ENDS.sub("\n", text)))


def length(text: str) -> int:
    """In UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut(text: str, limit: int) -> str:
    """At most `limit` units, the last one an ellipsis if something is gone."""
    if length(text) <= limit:
        return text
    return next(pieces(text, limit - 1), "").rstrip() + _ELLIPSIS


def pieces(text: str, limit: int) -> Iterator[str]:
    """The text in parts of at most `limit` units, broken between lines or words where possible."""
    while length(text) > limit:
        end = _end(text, limit)
        broken = max(text.rfind("\n", end // 2, end), text.rfind(" ", end // 2, end))
        if broken > 0:
            end = broken + 1
        yield text[:end]
        text = text[end:]
    if text:
        yield text


def _end(text: str, limit: int) -> int:
    """How many characters fit into `limit` units."""
    units = 0
    for number, character in enumerate(text):
        units += 2 if character > "\uffff" else 1
        if units > limit:
            return max(number, 1)
    return len(text)


def _cleaned(character: str) -> str:
    if character in "\n\t" or character in _JOINTS:
        return character
    category = unicodedata.category(character)
    if category in {"Cc", "Cs"} or ord(character) & 0xFFFE == 0xFFFE:
        return "\ufffd"
    if category == "Cf":
        return "\ufffd" if unicodedata.bidirectional(character) in _TURNING else ""
    return character


_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "L", "R", "AL"})
"""Bidirectional classes (UAX 9) of format characters that change how the text around them reads."""


def _lines(lines: Iterable[Line]) -> list[_Block]:
    return [_Block(tuple(replace(span, text=clean(span.text)) for span in each)) for each in lines]


def _quotation(text: str) -> list[_Block]:
    """Words of a stranger: /words are no commands there, and @names call nobody."""
    return [_Block((Span(_SUMMONS.sub("\\1\u2060", text)),), quoted=True)] if text.strip() else []


def _pieces_of(block: _Block) -> list[_Block]:
    """A line as it is, or in parts where it is longer than a message."""
    if length(block.text) < TEXT_LIMIT:
        return [block]
    return [
        _Block((replace(span, text=piece),))
        for span in block.spans
        for piece in pieces(span.text, _QUOTE_PIECE)
    ]


def _packed(blocks: Iterable[_Block]) -> Iterator[list[_Block]]:
    """As many blocks together as fit into a message."""
    together: list[_Block] = []
    units = tags = 0
    for block in blocks:
        units += length(block.text) + 1
        tags += block.tags
        if together and (units > TEXT_LIMIT or tags > _TAGS_A_MESSAGE):
            yield together
            together, units, tags = [], length(block.text) + 1, block.tags
        together.append(block)
    if together:
        yield together


def _fitted(blocks: list[_Block]) -> list[_Block]:
    """The blocks of one message; what is too much at the end is left out, and that is shown."""
    whole = list(_packed(piece for block in blocks for piece in _pieces_of(block)))
    if len(whole) <= 1:
        return blocks
    first = whole[0]
    while len(first) > 1 and sum(length(block.text) + 1 for block in first) > TEXT_LIMIT - 2:
        first = first[:-1]
    return [*first, _Block((Span(_ELLIPSIS),))]


def _part(blocks: list[_Block]) -> Part:
    if not any(block.text.strip() for block in blocks):
        return Part(_ELLIPSIS, _ELLIPSIS)  # a message without words is refused
    html = "\n".join(block.html for block in blocks)
    return Part(html, cut("\n".join(block.plain for block in blocks), TEXT_LIMIT))


def _html(span: Span) -> str:
    written = escape(span.text, quote=False)
    if not span.text.strip():
        return written
    if span.code:
        written = f"<code>{written}</code>"
    return f"<b>{written}</b>" if span.strong and not span.code else written
