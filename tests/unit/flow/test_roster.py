"""Columns of sheets as people have them, and what their lines say."""

from __future__ import annotations

import pytest

from bot.core.addresses import fold
from bot.core.errors import UserError
from bot.core.people import group_name
from bot.core.rosters import Line, Table
from bot.flow.roster import lines_of

ANNE = ["Martin", "Anne", "anne@example.org"]


def said(table: Table) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(line.number, line.name, line.addresses) for line in lines_of(table)]


@pytest.mark.parametrize(
    "heading",
    [
        "mail",
        "E-mail",
        "email",
        "Courriel",
        "Adresse mail",
        "Adresse e-mail",
        "user_email",
        "E-MAIL *",
        "adresse",
    ],
)
def test_the_column_of_addresses_has_many_names(heading: str) -> None:
    assert said([["Nom", "Prénom", heading], ANNE]) == [(2, "Anne Martin", ("anne@example.org",))]


@pytest.mark.parametrize(
    ("headings", "cells"),
    [
        (["NOM", "Prénom"], ["Martin", "Anne"]),
        (["last_name", "first_name"], ["Martin", "Anne"]),
        (["Nom complet", ""], ["Anne Martin", "x"]),
        (["display_name", "login"], ["Anne Martin", "anne"]),
        (["Name", "Phone"], ["Anne Martin", "06"]),
        (["Nom", "Ville"], ["Anne Martin", "Lyon"]),
    ],
)
def test_names_are_put_together(headings: list[str], cells: list[str]) -> None:
    assert said([[*headings, "mail"], [*cells, "anne@example.org"]])[0][1] == "Anne Martin"


def test_a_postal_address_is_none() -> None:
    table = [["Nom", "Adresse", "Email"], ["Anne", "1 rue des Lilas", "anne@example.org"]]
    assert said(table) == [(2, "Anne", ("anne@example.org",))]


def test_a_cell_and_several_columns_may_hold_several_addresses() -> None:
    table = [
        ["Nom", "Email", "Email 2", "Email co-adhérent"],
        ["Anne", "anne@example.org; LÉO@exämple.org", "a@example.net", "other@example.org"],
        ["Boris", "Boris <boris@example.org>", "", ""],
    ]
    first, second = lines_of(table)
    assert first.addresses == ("anne@example.org", "léo@xn--exmple-cua.org", "a@example.net")
    assert second == Line(3, "Boris", (fold("boris@example.org"),))


def test_titles_above_and_empty_lines_do_no_harm() -> None:
    table = [["Adhérents 2026"], [], ["Nom", "", "Courriel"], ["", "", ""], ["Anne", "", "anne@example.org"]]
    assert said(table) == [(5, "Anne", ("anne@example.org",))]


def test_a_sheet_without_a_heading_is_understood() -> None:
    assert said([["anne@example.org"], ["b@example.org"]])[1] == (2, "", ("b@example.org",))
    assert said([["Anne", "anne@example.org"]]) == [(1, "Anne", ("anne@example.org",))]


def test_groups_are_named_in_a_column() -> None:
    table = [["mail", "Contrats"], ["anne@example.org", "Légumes, Œufs et pain"], ["b@example.org", ""]]
    assert [line.groups for line in lines_of(table)] == [("legumes", "oeufs-et-pain"), ()]
    assert lines_of([["mail"], ["anne@example.org"]])[0].groups is None


def test_bad_lines_say_why_and_stop_no_other() -> None:
    table = [["nom", "mail"], ["A", "nobody"], ["B", ""], ["C", "c@example.org, d@@x"], ["D", "x@nomail.org"]]
    bad, none, half, placeholder = lines_of(table)
    assert (bad.written, bad.addresses, "is not an e-mail address" in str(bad.trouble)) == (
        "nobody",
        (),
        True,
    )
    assert str(none.trouble) == "no address"
    assert (half.addresses, half.written) == (("c@example.org",), "d@@x")
    assert (placeholder.addresses, placeholder.trouble) == (("x@nomail.org",), None)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ([], "is empty"),
        ([["", ""]], "is empty"),
        ([["nom", "mail"], ["Anne", ""]], "No line of this sheet has an e-mail address"),
        ([["nom", "mail"], ["name", "e-mail"], ["Anne", "anne@example.org"]], "Lines 1, 2 are both headings"),
    ],
    ids=["none", "blank", "nobody", "two headings"],
)
def test_sheets_that_say_nothing_get_a_sentence(table: Table, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        lines_of(table)


@pytest.mark.parametrize(
    "cell",
    [
        "a@x.fr / b@y.fr",
        "a@x.fr/b@y.fr",
        "a@x.fr|b@y.fr",
        "a@x.fr et b@y.fr",
        "a@x.fr - b@y.fr",
        "<a@x.fr>; <b@y.fr>",
    ],
)
def test_households_write_two_addresses_in_many_ways(cell: str) -> None:
    assert said([["mail"], [cell]]) == [(2, "", ("a@x.fr", "b@y.fr"))]


def test_a_domain_is_the_one_that_is_registered() -> None:
    """strasse.de is somebody else's."""
    assert said([["mail"], ["anne@straße.de"]]) == [(2, "", ("anne@xn--strae-oqa.de",))]
    assert said([["mail"], ["LÉO@Exämple.org"]]) == [(2, "", ("léo@xn--exmple-cua.org",))]


def test_a_wrong_cell_is_shown_as_it_is() -> None:
    for cell in ("anne.martin@exemple,fr", "pas de mail", "anne@exemple"):
        (line, _) = lines_of([["mail"], [cell], ["a@x.fr"]])
        assert (line.addresses, line.written, cell in str(line.trouble)) == ((), cell, True)


def test_two_contracts_are_written_in_many_ways() -> None:
    for cell in ("Légumes, Pain", "Légumes + Pain", "Légumes/Pain", "Légumes & Pain"):
        (line,) = lines_of([["mail", "Contrats"], ["a@x.fr", cell]])
        assert {"legumes", "pain"} <= set(line.groups or ())


def test_a_sheet_with_a_heading_may_name_nobody_where_that_is_asked_for() -> None:
    assert [line.addresses for line in lines_of([["nom", "mail"], ["Anne", ""]], nobody=True)] == [()]
    assert lines_of([["nom", "mail"]], nobody=True) == []
    with pytest.raises(UserError, match="No line"):
        lines_of([["nom", "ville"], ["Anne", "Lyon"]], nobody=True)


def test_names_cannot_be_formulas_nor_invisible() -> None:
    assert said([["nom", "mail"], ["'=1+1", "a@example.org"]])[0][1] == "=1+1"
    assert said([["nom", "mail"], ["An\u202ene\n", "a@example.org"]])[0][1] == "Anne"


AMAPRESS_USERS = (
    "ID|Identifiant|Prénom|Nom|Email|Email 2|Email 3|Email 4|Rôle sur le site|Fonctions actuelles|Type"
    "|Adresse|Code postal|Ville|Téléphone|Téléphone 2|Moyen préféré|Adhésions|Contrats|Membre du foyer 1"
    "|Co-adhérent 1|Co-adhérent 2|Co-adhérent(s) - sans email"
)
AMAPRESS_CONTRACTS = (
    "ID|Adhérent|Nom|Mail|Adresse|Statut|Contrat|Quantité|Date de début|Lieu|Co-Adhérent 1|Co-Adhérent 2"
)


def test_the_users_of_an_amapress_site_are_understood() -> None:
    """Four addresses at most; those of household and partners are theirs, and a number names no group."""
    anne = (
        "7|anne|Anne|Martin|Anne@Example.org|a2@example.org||anne@nomail.org|Amapien||Principal"
        "|1 rue des Lilas|69001|Lyon|06 00 00 00 00||Email|1|2|paul@example.org|zoe@example.org||Léo, 06"
    )
    boris = "8|boris|Boris|Roy|boris@example.org||||Amapien||Co-adhérent||||||Téléphone|0|0||||"

    first, second = lines_of([text.split("|") for text in (AMAPRESS_USERS, anne, boris)])

    assert (first.name, first.addresses) == (
        "Anne Martin",
        ("anne@example.org", "a2@example.org", "anne@nomail.org"),
    )
    assert (second.name, second.addresses, second.groups) == ("Boris Roy", ("boris@example.org",), None)


def test_the_contracts_of_an_amapress_site_are_understood() -> None:
    """Its column *Nom* holds the last name alone, beside the whole."""
    anne = (
        "9|Anne Martin|Martin|anne@example.org|1 rue des Lilas 69001 Lyon|Confirmée|Légumes 2026|Panier"
        "|01/03/2026|Préau|zoe@example.org|"
    )

    (line,) = lines_of([text.split("|") for text in (AMAPRESS_CONTRACTS, anne)])

    assert (line.name, line.addresses) == ("Anne Martin", ("anne@example.org",))
    assert line.groups == (group_name("Légumes 2026"),)


def test_whether_somebody_is_a_member_is_no_name() -> None:
    assert said([["nom", "mail", "adhérent"], ["Martin", "a@example.org", "oui"]])[0][1] == "Martin"


def test_the_users_of_a_site_that_names_its_fields_are_understood() -> None:
    """The postal address is none."""
    headings = [
        "user_login",
        "user_email",
        "first_name",
        "last_name",
        "display_name",
        "role",
        "amapress_user_adresse",
        "amapress_user_ville",
        "email2",
        "email3",
        "email4",
        "amapress_user_telephone",
    ]
    row = "anne,Anne@Example.org,Anne,Martin,Anne M,amapien,1 rue,Lyon,a2@example.org,,anne@nomail.org,06"
    (line,) = lines_of([headings, row.split(",")])
    assert (line.name, line.addresses) == (
        "Anne Martin",
        ("anne@example.org", "a2@example.org", "anne@nomail.org"),
    )
