"""Texts that people write for notices: variables and conditions, and nothing that could do harm."""

from __future__ import annotations

import pytest

from bot.core.errors import UserError
from bot.core.notices import NoticeKind
from bot.flow.wordings import LANGUAGES, VARIABLES, as_html, checked, filled, shipped_template

LONG = dict.fromkeys(VARIABLES, "x" * 4_000)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for x in subject %}x{% endfor %}",
        "{% for x in range(1000000000) %}x{% endfor %}",
        "{% set x = 1 %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ subject.__class__ }}",
        "{{ subject['__class__'] }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ self }}",
        "{{ cycler }}",
        "{{ subject|attr('__class__') }}",
        "{{ subject|pprint }}",
        "{{ subject|center(1000000000) }}",
        "{{ secret }}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{% import 'x' as y %}",
        "{{ range(10) }}",
        "{{ subject() }}",
        "{{ [subject, subject] }}",
        "{{ subject ~ subject }}",
        "{{ subject[0:9] }}",
        "{{ subject",
        "{% if %}",
        "{% if subject %}",
        "{{ " + "(" * 4_000 + "subject" + ")" * 4_000 + " }}",
        "x" * 9_000,
    ],
)
def test_what_could_do_harm_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        checked(text)


@pytest.mark.parametrize(
    "text",
    [
        "Merci {{ author }} !",
        "{% if reason and not (subject == '') %}{{ reason }}{% elif date %}{{ date }}{% else %}x{% endif %}",
        "{{ author|default(list_name)|upper }} {{ 'a' if moderator else 'b' }}",
        "{# a remark #}{{ subject is defined }}",
        "100 % {{ '{{' }}",
    ],
)
def test_what_people_need_is_taken(text: str) -> None:
    assert checked(text) == text
    subject, body = filled(text, shipped_template("held", "en"), LONG)
    assert subject
    assert body


def test_the_longest_text_gives_no_endless_mail() -> None:
    _, body = filled(checked("{{subject}}" * 700), shipped_template("held", "en"), LONG)
    assert len(body) <= 20_001


def test_what_a_variable_holds_is_never_read_as_a_template() -> None:
    _, body = filled("{{ reason }}\n", shipped_template("held", "en"), {**LONG, "reason": "{{ subject }}"})
    assert body.strip() == "{{ subject }}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_the_shipped_texts_keep_to_the_same_rules(kind: NoticeKind, language: str) -> None:
    """So that somebody may begin with one of them."""
    checked(shipped_template(kind, language))
    subject, body = filled("", shipped_template(kind, language), dict.fromkeys(VARIABLES, ""))
    assert "\n" not in subject
    assert body.strip()


def test_html_shows_the_same_and_links() -> None:
    html = as_html("<b>1</b> & https://example.org/?a=1&b=2\n\nanne@example.org\n")
    assert "&lt;b&gt;1&lt;/b&gt; &amp; " in html
    assert '<a href="https://example.org/?a=1&amp;b=2">' in html
    assert '<a href="mailto:anne@example.org">' in html
    assert html.count("<p>") == 2
