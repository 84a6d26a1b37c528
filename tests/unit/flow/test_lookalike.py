"""Authors who could be taken for somebody else, and those who could not."""

from __future__ import annotations

import pytest

from bot.core.addresses import Mailbox, fold
from bot.core.people import Person
from bot.flow.lookalike import resembled

ANNE = Person(1, "Anne Martin", (fold("anne.martin@example.org"), fold("anne@wanadoo.fr")))
LOU = Person(2, "Lou", (fold("lou@example.org"),))


@pytest.mark.parametrize(
    ("name", "address", "whom"),
    [
        ("Anne Martin", "somebody@elsewhere.example", ANNE),
        ("MARTIN, Ánne", "somebody@elsewhere.example", ANNE),
        ("Аnne Маrtin", "somebody@elsewhere.example", ANNE),  # noqa: RUF001 - Cyrillic A, M and a
        ("Anne\u200b Martin", "somebody@elsewhere.example", ANNE),
        ("", "anne.martín@example.org", ANNE),
        ("", "anne.rnartin@example.org", ANNE),
        ("", "anne.martln@example.org", ANNE),
        ("", "anne.martin@examp1e.org", ANNE),
        ("", "anne.martin@exampl.org", ANNE),
        ("", "anne.martni@example.org", ANNE),
        ("", "anne.martinn@example.org", ANNE),
        ("", "anne.martin@exаmple.org", ANNE),  # noqa: RUF001 - Cyrillic a
        ("lou@example.org", "eve@elsewhere.example", LOU),
        ("Lou", "somebody@elsewhere.example", None),  # a first name is nobody's alone
        ("", "lou@example.net", None),
        ("", "lo@example.org", None),
        ("", "zoe@example.org", None),
        ("Anne Martin", "anne@wanadoo.fr", None),  # it is her
        ("Anne Durand", "anne.durand@example.org", None),
        ("", "", None),
    ],
)
def test_an_author_resembles_somebody_or_nobody(name: str, address: str, whom: Person | None) -> None:
    found = resembled(Mailbox(name, fold(address)), [ANNE, LOU])
    assert (found and found.name) == (whom and whom.name)
