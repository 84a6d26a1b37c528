"""Texts as the server keeps them: cleaned, trimmed, measured, with the entities that it finds by itself.

Rules: `fix_formatted_text` in td/telegram/MessageEntity.cpp and `clean_input_string` in td/telegram/misc.cpp
of tdlib/td; limits from core.telegram.org/bots/api#sendmessage (4096) and #sendphoto (1024), both "characters
after entities parsing". The documentation leaves open what a character is; UTF-16 code units, in which it
counts everything else (#messageentity), is the strictest reading, so that is what is counted here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.support.bot_api.html import KINDS, Style, parse_html
from tests.support.bot_api.refusals import bad_request

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
SOURCE_LIMIT_OCTETS = 1 << 15
"""Markup and all; `Client::get_formatted_text` in Client.cpp."""
ENTITY_LIMIT = 100
"""More are dropped without a word: `get_input_message_entities` in td/telegram/MessageEntity.cpp."""

_SPACE = {chr(code): " " for code in range(33) if code not in {10, 13}}
_GONE = {"\r", *map(chr, range(0x2028, 0x202F)), "\u0333", "\u033f", "\u030a"}
_EMPTY = re.compile("[\\s\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc\u00a0]*")
_MARKS = re.compile("[\u200e\u200f]+(?=[\u200e\u200f])")

_FOUND = (
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b")),
    (
        "url",
        re.compile(r"https?://[^\s<>\"]+|(?<![\w@.])(?:[\w-]+\.)+(?:com|org|net|fr|eu|info|me)\b(?:/\S*)?"),
    ),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z][A-Za-z0-9_]{3,31}(?!\w)")),
    ("hashtag", re.compile(r"(?<!\w)#\w*[^\W\d]\w*")),
)
"""What becomes a link by itself: core.telegram.org/bots/api#messageentity, types mention to email."""
_GIVEN_KINDS = {*KINDS.values(), "expandable_blockquote", "cashtag", "phone_number", *dict(_FOUND)}


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True, slots=True)
class Rich:
    """A text as people see it, with its styles sorted by place."""

    text: str = ""
    styles: tuple[Style, ...] = ()

    def entities(self) -> list[dict[str, Any]]:
        """As core.telegram.org/bots/api#messageentity: offsets and lengths in UTF-16 code units."""
        made = []
        for style in self.styles:
            entity: dict[str, Any] = {
                "type": style.kind,
                "offset": units(self.text[: style.start]),
                "length": units(self.text[style.start : style.end]),
            }
            names = {"text_link": "url", "pre": "language", "custom_emoji": "custom_emoji_id"}
            if style.extra and style.kind in names:
                entity[names[style.kind]] = style.extra
            made.append(entity)
        return made

    def marked(self, kind: str) -> list[str]:
        """The pieces of text in one style, e.g. every ``bold`` one."""
        return [self.text[style.start : style.end] for style in self.styles if style.kind == kind]


def message_text(source: str, parse_mode: str, entities: Any = None) -> Rich:
    """The text of a message (core.telegram.org/bots/api#sendmessage).

    Raises:
        Refusal: 400, empty, too long, or unparseable.
    """
    if not source:
        raise bad_request("message text is empty")
    rich = formatted(source, parse_mode, entities)
    if is_empty(rich.text):
        raise bad_request("text must be non-empty")
    if units(rich.text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return rich


def caption(source: str, parse_mode: str, entities: Any = None) -> Rich:
    """A caption, 0 to 1024 characters (core.telegram.org/bots/api#sendphoto)."""
    rich = formatted(source, parse_mode, entities)
    if units(rich.text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return Rich() if is_empty(rich.text) else rich


def is_empty(text: str) -> bool:
    """Whether people would see nothing (`is_empty_string`, misc.cpp)."""
    return _EMPTY.fullmatch(text) is not None


def formatted(source: str, parse_mode: str, entities: Any = None) -> Rich:
    if len(source.encode()) > SOURCE_LIMIT_OCTETS:
        raise bad_request("text is too long")
    match parse_mode.lower():
        case "html":
            text, styles = parse_html(source)
        case "" | "none":
            text, styles = source, _given(source, entities or [])
        case "markdown" | "markdownv2":
            raise NotImplementedError("this server speaks HTML only")
        case _:
            raise bad_request("unsupported parse_mode")
    rich = _trimmed(*_cleaned(text, styles))
    seen = [style for style in rich.styles if not is_empty(rich.text[style.start : style.end])]
    seen = sorted(seen, key=_order)[:ENTITY_LIMIT]
    return Rich(rich.text, tuple(sorted([*seen, *_found(rich.text, seen)], key=_order)))


def _order(style: Style) -> tuple[int, int]:
    return style.start, -style.end


def _given(text: str, entities: list[dict[str, Any]]) -> list[Style]:
    """Entities of the request, which count UTF-16 code units; `code` here counts code points."""
    places = [0]
    for character in text:
        places.append(places[-1] + units(character))
    styles = []
    for entity in entities:
        start, length = entity["offset"], entity["length"]
        _check_entity(entity["type"], start, start + length, places[-1])
        extra = entity.get("url") or entity.get("language") or entity.get("custom_emoji_id") or ""
        if start in places and start + length in places and length:
            styles.append(Style(entity["type"], places.index(start), places.index(start + length), extra))
    return styles


def _check_entity(kind: str, start: int, end: int, length: int) -> None:
    """Words of `get_text_message_entities` (tdlib/td) and `Client::get_text_entity_type` (Client.cpp)."""
    if kind not in _GIVEN_KINDS:
        raise bad_request("can't parse MessageEntity: Unsupported type specified")
    if start < 0:
        raise bad_request(f"receive an entity with incorrect offset {start}")
    if start >= length:
        raise bad_request(f"entity begins after the end of the text at UTF-16 offset {start}")
    if end > length:
        ends = f"ends after the end of the text at UTF-16 offset {end}"
        raise bad_request(f"entity beginning at UTF-16 offset {start} {ends}")


def _cleaned(text: str, styles: list[Style]) -> tuple[str, list[Style]]:
    """Without the control and direction characters that `clean_input_string` removes."""
    out: list[str] = []
    places: list[int] = []
    for character in text:
        places.append(len(out))
        if character not in _GONE:
            out.append(_SPACE.get(character, character))
    places.append(len(out))
    clean = _MARKS.sub(lambda found: "\u200c" * len(found[0]), "".join(out))
    return clean, [Style(s.kind, places[s.start], places[s.end], s.extra) for s in styles]


def _trimmed(text: str, styles: list[Style]) -> Rich:
    """Without blank space at its end, and at its start as far as no style covers it."""
    length = len(text.rstrip(" \n"))
    first = len(text[:length]) - len(text[:length].lstrip(" \n"))
    first = min([first, *(style.start for style in styles)])
    kept = [
        Style(s.kind, s.start - first, min(s.end, length) - first, s.extra)
        for s in styles
        if s.start < length
    ]
    return Rich(text[first:length], tuple(style for style in kept if style.end > style.start))


def _found(text: str, styles: list[Style]) -> list[Style]:
    closed = [s for s in styles if s.kind in {"code", "pre", "text_link"}]
    found: list[Style] = []
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= other.start or other.end <= start for other in [*closed, *found]):
                found.append(Style(kind, start, end))
    return found
