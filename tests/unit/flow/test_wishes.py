"""Which mails are a wish to leave the list, and which are posts after all."""

from __future__ import annotations

import pytest

from bot.flow.wishes import Wish, refuses, wish

NAMES = "adherents [adherents] Les adhérents des Trois Rivières"
SIGNED = """Bonjour,

Merci d'avance,
Anne Martin
06 12 34 56 78
--
Envoyé depuis mon téléphone, qui écrit toujours bien plus de choses que moi-même et ne se tait jamais.
"""
QUOTE = """Le 3 mars, Paul a écrit :
> Les paniers de jeudi : des poireaux, des carottes, des pommes de terre, du fenouil, des betteraves,
> des œufs, du pain et du fromage de chèvre.
"""
POST = "Les tomates de la semaine prochaine coûteront deux euros le kilo, venez nombreux ! " * 3


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("unsubscribe", ""),
        ("unsubscribe", "Sent from my iPhone"),
        ("UNSUBSCRIBE", SIGNED),
        ("Unsubscribe me, please!", ""),
        ("Désinscription", SIGNED),
        ("Re: [adherents] Désinscription", QUOTE),
        ("Re: Les adhérents : me désabonner", "Je souhaite me désabonner.\n" + QUOTE),
        ("DESINSCRIPTION DE LA LISTE adherents", ""),
        ("Merci de me désinscrire de cette liste", ""),
        ("Je souhaite me désabonner", ""),
        ("se désinscrire", ""),
        ("demande de désabonnement", ""),
        ("please remove me from this mailing list", ""),
        ("quitter la liste", ""),
        ("unsubscribe?", "How do I unsubscribe?"),
    ],
)
def test_a_clear_wish(subject: str, text: str) -> None:
    assert wish(subject, text, NAMES) is Wish.CLEAR


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Désinscription", POST),
        ("Re: unsubscribe", "Personne ne devrait avoir à faire ça"),
        ("Désabonnement ?", "Est-ce que ça marche ?"),
    ],
)
def test_a_person_should_look(subject: str, text: str) -> None:
    assert wish(subject, text, NAMES) is Wish.MAYBE


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("", ""),
        ("", "unsubscribe"),
        ("Panier", "Comment se désinscrire de la liste ?"),
        ("Désinscription au repas de samedi", ""),
        ("Désabonnement : comment faire ?", ""),
        ("Re: unsubscribe from the newsletter of the region?", "I did, and it works."),
        ("Retirer", "mon panier de jeudi"),
        ("Leave", "on the table"),
        ("quitter", ""),
        ("the list", ""),
    ],
)
def test_a_post(subject: str, text: str) -> None:
    assert wish(subject, text, NAMES) is Wish.NONE


@pytest.mark.parametrize(
    ("text", "no"),
    [
        ("", False),
        ("Oui", False),
        ("Oui, je ne veux plus rien recevoir", False),
        ("Je confirme\n" + QUOTE, False),
        ("Non !", True),
        ("Non merci, je reste\n" + QUOTE, True),
        ("> non\nOui", False),
        ("It was not me", True),
        ("C'était une erreur", True),
        ("annulez svp", True),
        (QUOTE, False),
    ],
)
def test_an_answer_may_say_no(text: str, no: bool) -> None:
    assert refuses(text) is no
