"""The text of an HTML mail, as far as a moderator needs it."""

from __future__ import annotations

import re

from bot.core.header import readable

_TAG_LIMIT = 10_000
"""Tags that are read; the time it takes grows with the square of how deep they are nested."""

_NOT_SHOWN = frozenset({"script", "style", "title", "template", "noscript"})

# Marks put before tags, where text begins anew. All are white space of HTML, which stays where it is
_PARAGRAPH, _LINE, _BREAK = "\f", "\n", "\t"
_MARKS = (
    (re.compile(r"</?(?:p|h[1-6]|blockquote|table|ul|ol|dl|pre|hr)\b", re.IGNORECASE), _PARAGRAPH),
    (re.compile(r"</?(?:div|tr|li|dt|dd|section|article|center)\b", re.IGNORECASE), _LINE),
    (re.compile(r"<br\b", re.IGNORECASE), _BREAK),
    (re.compile(r"</t[dh]\b", re.IGNORECASE), " "),
)


def plain_text(markup: str) -> str:
    """What a browser would show of `markup`, in lines and paragraphs; never fails on bad HTML."""
    from selectolax.lexbor import LexborHTMLParser

    marked = re.sub(r"\s+", " ", "<".join(readable(markup).split("<", _TAG_LIMIT)[:_TAG_LIMIT]))
    for tag, mark in _MARKS:
        marked = tag.sub(rf"{mark}\g<0>", marked)
    root = LexborHTMLParser(marked).root
    nodes = root.traverse(include_text=True) if root else ()
    # Nothing is removed from the tree: a removed node takes others with it that were found already
    shown = (
        node.text_content or ""
        for node in nodes
        if node.tag == "-text" and not (node.parent and node.parent.tag in _NOT_SHOWN)
    )
    return re.sub(r"\s+", _blank, "".join(shown)).strip()


def _blank(run: re.Match[str]) -> str:
    if _PARAGRAPH in run[0] or run[0].count(_BREAK) > 1:
        return "\n\n"
    return "\n" if _LINE in run[0] or _BREAK in run[0] else " "
