"""The texts of notices: templates of Jinja2 of which only the harmless part may be used."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import UserError
from bot.core.header import readable
from bot.core.text import Text

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

VARIABLES = (
    "list_name",
    "list_address",
    "organisation",
    "subject",
    "author",
    "moderator",
    "moderator_email",
    "reason",
    "summary",
    "date",
)
LANGUAGES = ("en", "fr")

_TEMPLATES = Path(__file__).parent / "templates"
_TEMPLATE_LIMIT = 8_000
_RENDERED_LIMIT = 20_000
_FILTERS = {"capitalize", "default", "lower", "title", "trim", "upper"}
_ALLOWED = {
    "And", "CondExpr", "Const", "Compare", "Filter", "If", "Name", "Not", "Operand", "Or", "Output",
    "Template", "TemplateData", "Test",
}  # fmt: skip
"""What a template may be made of: nothing repeats or grows, so that it is never longer than it looks."""

_LINK = re.compile(r"https?://[^\s<>\"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def shipped_template(name: str, language: str) -> str:
    """The first line is the subject, the rest behind an empty line the text."""
    return _file(name, language)


def checked(text: str) -> str:
    """A template that somebody wrote, as it is stored. Raises UserError with what is wrong in it."""
    from jinja2 import TemplateSyntaxError, nodes

    text = readable(text.replace("\r\n", "\n").replace("\\n", "\n").strip())
    if len(text) > _TEMPLATE_LIMIT:
        raise UserError(Text("The text is too long: at most {count} characters.", count=_TEMPLATE_LIMIT))
    try:
        trees = [_environment().parse(part) for part in _parts(text)]
    except (TemplateSyntaxError, RecursionError) as error:
        raise UserError(
            Text("The text cannot be read as a template: {why}", why=getattr(error, "message", "") or "?")
        ) from None
    for node in (node for tree in trees for node in tree.find_all(nodes.Node)):
        name = type(node).__name__
        if name not in _ALLOWED or (isinstance(node, nodes.Filter) and node.name not in _FILTERS):
            raise UserError(
                Text(
                    "Only variables and {condition} can be used in a text, not {what}.",
                    condition="{% if %}",
                    what=getattr(node, "name", name),
                )
            )
        if isinstance(node, nodes.Name) and node.name not in VARIABLES:
            raise UserError(
                Text("There is no {name} here. There is: {names}.", name=node.name, names=list(VARIABLES))
            )
    return text


def filled(own: str, shipped: str, variables: Mapping[str, str | int]) -> tuple[str, str]:
    """Subject and text of a notice.

    A text of one's own has a subject where its first line stands alone; otherwise the shipped one's
    stays.
    """
    subject, text = _parts(shipped)
    if own:
        first, rest = _parts(own)
        subject, text = (first, rest) if rest else (subject, first)
    subject, text = _rendered(subject, variables), _rendered(text, variables)
    return " ".join(subject.split()), "\n".join(text.strip().splitlines()) + "\n"


def as_html(text: str) -> str:
    """The same text with paragraphs, line ends and links."""
    escaped = (_linked(paragraph) for paragraph in re.split(r"\n{2,}", text.strip()))
    inner = "\n".join(f"<p>{paragraph}</p>" for paragraph in escaped)
    return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n<body>\n{inner}\n</body></html>\n'


def _linked(paragraph: str) -> str:
    """Addresses can be tapped; all else is escaped."""
    pieces, end = [], 0
    for found in _LINK.finditer(paragraph):
        target = found[0] if found[0].startswith("http") else f"mailto:{found[0]}"
        link = f'<a href="{html.escape(target)}">{html.escape(found[0])}</a>'
        pieces += [html.escape(paragraph[end : found.start()]), link]
        end = found.end()
    return "".join([*pieces, html.escape(paragraph[end:])]).replace("\n", "<br>\n")


def _parts(text: str) -> tuple[str, str]:
    """The line before the first empty one, and what follows; all of it and nothing if it is several."""
    first, _, rest = text.strip("\n").partition("\n")
    if rest.startswith("\n") or not rest.strip():
        return (first, rest) if rest.strip() else (text, "")
    return text, ""


def _rendered(template: str, variables: Mapping[str, str | int]) -> str:
    return _environment().from_string(template).render(variables)[:_RENDERED_LIMIT]


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(autoescape=False, trim_blocks=True, lstrip_blocks=True)


@cache
def _file(name: str, language: str) -> str:
    return (_TEMPLATES / f"{name}.{language}.txt").read_text(encoding="utf-8")
