"""HTML of the Bot API, parsed as strictly as the real server does.

Rules: core.telegram.org/bots/api#html-style (which tags, which named references) and `parse_html` in
td/telegram/MessageEntity.cpp of tdlib/td (what is an error, and its words; byte offsets count UTF-8).
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.bot_api.refusals import Refusal, bad_request

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
"""Every documented tag and the type of its entity."""

REFERENCES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
"""The only named references that the API decodes; any other is left as it is written."""

SPACES = " \t\r\n\v\0"


@dataclass(frozen=True, slots=True)
class Style:
    """A run of text in one style: `start` and `end` count code points; `extra` is a URL or a language."""

    kind: str
    start: int
    end: int
    extra: str = ""


@dataclass(slots=True)
class _Tag:
    name: str
    argument: str
    start: int


def unparseable(why: str) -> Refusal:
    return bad_request(f"can't parse entities: {why}")


def parse_html(source: str) -> tuple[str, list[Style]]:
    """The text without its tags, and its styles in the order in which they ended.

    Raises:
        Refusal: 400, ``can't parse entities``.
    """
    return _Parser(source).parse()


def decode_reference(source: str, at: int) -> tuple[str, int]:
    """The character that a reference at `at` stands for and where it ends; an empty one if it is none.

    As in `decode_html_entity`: the semicolon may be missing, a number has fewer than ten characters.
    """
    end = at + 1
    if source.startswith("#", end):
        base, digits = (16, "0123456789abcdefABCDEF") if source.startswith("#x", end) else (10, "0123456789")
        end += 2 if base == 16 else 1
        first = end
        while end < len(source) and source[end] in digits:
            end += 1
        number = int(source[first:end] or "0", base)
        character = chr(number) if 0 < number < 0x10FFFF and end - at < 10 else ""
    else:
        while end < len(source) and source[end].isascii() and source[end].isalpha():
            end += 1
        character = REFERENCES.get(source[at + 1 : end], "")
    return character, end + 1 if source.startswith(";", end) else end


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        self.open: list[_Tag] = []
        self.styles: list[Style] = []

    def parse(self) -> tuple[str, list[Style]]:
        while self.at < len(self.source):
            here = self.source[self.at]
            if here == "<":
                self._end_tag() if self.source.startswith("</", self.at) else self._start_tag()
                continue
            character, end = decode_reference(self.source, self.at) if here == "&" else ("", 0)
            self.out.append(character or here)
            self.at = end if character else self.at + 1
        if self.open:
            raise unparseable(f'Can\'t find end tag corresponding to start tag "{self.open[-1].name}"')
        text = "".join(self.out)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise unparseable(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
                "surrogate code units"
            )
        return text, self.styles

    @property
    def here(self) -> str:
        """The character at the present place, empty at the end."""
        return self.source[self.at : self.at + 1]

    def _bytes_before(self, at: int) -> int:
        return len(self.source[:at].encode())

    def _skip_spaces(self) -> None:
        while self.here and self.here in SPACES:
            self.at += 1

    def _until(self, stops: str) -> str:
        first = self.at
        while self.here and self.here not in stops:
            self.at += 1
        return self.source[first : self.at]

    def _start_tag(self) -> None:
        offset = self._bytes_before(self.at)
        self.at += 1
        name = self._until(SPACES + ">").lower()
        if not self.here:
            raise unparseable(f"Unclosed start tag at byte offset {offset}")
        if name not in KINDS:
            raise unparseable(f'Unsupported start tag "{name}" at byte offset {offset}')
        argument = ""
        while self.here != ">":
            self._skip_spaces()
            if self.here == ">":
                break
            argument = self._attribute(name, offset) or argument
        if name == "span" and argument != "tg-spoiler":
            raise unparseable(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
        self.at += 1
        self.open.append(_Tag(name, argument, len(self.out)))

    def _attribute(self, tag: str, offset: int) -> str:
        """Read one attribute; what it adds to the entity, empty if nothing."""
        name = self._until(SPACES + "=>")
        if not name and self.here:
            raise unparseable(f'Empty attribute name in the tag "{tag}" at byte offset {offset}')
        self._skip_spaces()
        if not self.here:
            raise unparseable(f'Unclosed start tag "{tag}" at byte offset {offset}')
        value = ""
        if self.here == "=":
            self.at += 1
            self._skip_spaces()
            value = self._value(tag, offset)
        match tag, name:
            case ("a", "href") | ("span", "class") | ("tg-emoji", "emoji-id"):
                return value
            case "code", "class":
                return value.removeprefix("language-") if value.startswith("language-") else ""
            case "blockquote", "expandable":
                return "expandable"
        return ""

    def _value(self, tag: str, offset: int) -> str:
        if not self.here:
            raise unparseable(f'Unclosed start tag "{tag}" at byte offset {offset}')
        quote = self.here
        if quote not in "'\"":
            first = self.at
            while self.here and ((self.here.isascii() and self.here.isalnum()) or self.here in ".-"):
                self.at += 1
            if self.here and self.here not in SPACES + ">":
                place = self._bytes_before(first)
                raise unparseable(f"Unexpected end of name token at byte offset {place}")
            value = self.source[first : self.at].lower()
        else:
            self.at += 1
            value = self._quoted(quote)
        if not self.here:
            raise unparseable(f"Unclosed start tag at byte offset {offset}")
        return value

    def _quoted(self, quote: str) -> str:
        value: list[str] = []
        while self.here and self.here != quote:
            character, end = decode_reference(self.source, self.at) if self.here == "&" else ("", 0)
            value.append(character or self.here)
            self.at = end if character else self.at + 1
        self.at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        offset = self._bytes_before(self.at)
        if not self.open:
            raise unparseable(f"Unexpected end tag at byte offset {offset}")
        self.at += 2
        name = self._until(SPACES + ">").lower()
        self._skip_spaces()
        if self.here != ">":
            raise unparseable(f"Unclosed end tag at byte offset {offset}")
        tag = self.open.pop()
        if name and name != tag.name:
            found = f'expected "</{tag.name}>", found "</{name}>"'
            raise unparseable(f"Unmatched end tag at byte offset {offset}, {found}")
        self.at += 1
        if len(self.out) > tag.start:
            self._ended(tag)

    def _ended(self, tag: _Tag) -> None:
        kind, start, end, extra = KINDS[tag.name], tag.start, len(self.out), tag.argument
        inner = self.styles[-1] if self.styles else None
        if kind == "text_link":
            # A link that is none is dropped and its text stays (LinkManager::get_checked_link).
            extra = checked_link(extra or "".join(self.out[start:]))
            if not extra:
                return
        elif kind == "pre" and inner and (inner.kind, inner.start, inner.end) == ("code", start, end):
            # <pre><code class="language-x"> is one entity, documented under "HTML style".
            self.styles.pop()
            extra = inner.extra
        elif kind == "blockquote" and extra:
            kind, extra = "expandable_blockquote", ""
        elif kind == "spoiler":
            extra = ""
        elif kind == "custom_emoji" and not (extra.isdecimal() and 0 < int(extra) < 1 << 63):
            raise unparseable("Invalid custom emoji identifier specified")
        self.styles.append(Style(kind, start, end, extra))


def checked_link(url: str) -> str:
    """The URL as the server keeps it, empty if it takes it for none (core.telegram.org/bots/api#html-
    style).
    """
    scheme, colon, rest = url.partition("://")
    if not colon:
        scheme, rest = "http", url
    host = rest.partition("/")[0].partition("?")[0]
    if scheme.lower() in {"tg", "ton", "tonsite"}:
        return url
    if scheme.lower() not in {"http", "https"} or " " in url or "." not in host.strip("."):
        return ""
    return f"{scheme}://{rest}" if "/" in rest else f"{scheme}://{rest}/"
