"""Who is meant, as a table: what is known at the phone and at the e-mail, what was said, and who it is then."""

from collections.abc import Sequence

import pytest

from chalicelib.crm.contact_points.holders import Holder
from chalicelib.crm.matching.decide import Meant, NewPerson, Said, SamePerson, Unsure, who_is_meant
from chalicelib.crm.names.compare import name_of

ADA, ANN, BEN = "Ada Keller", "Ada Maria Keller", "Ben Keller"


def holder(text: str) -> Holder:
    """`Ada Keller/1990-01-02`, `?Ada Keller` for one who only claims the contact point; the name is the id."""
    name, _, born = text.removeprefix("?").partition("/")
    return Holder(name or "nameless", name=name_of(name), born=born or None, claimed=text.startswith("?"))


def said(text: str) -> Said:
    """`Ada Keller/1990-01-02`, as for a holder."""
    name, _, born = text.partition("/")
    return Said(name=name_of(name), born=born or None)


def shown(meant: Meant) -> str:
    match meant:
        case SamePerson(one):
            return one.person_id
        case NewPerson(beside):
            return f"new, beside {len(beside)}"
        case Unsure(candidates):
            return "unsure: " + ", ".join(one.person_id for one in candidates)


@pytest.mark.parametrize(
    ("what", "phone", "email", "who"),
    [
        # nobody is known there
        ("Ada Keller", [], [], "new, beside 0"),
        ("", [], [], "new, beside 0"),
        # one, and the name fits, or not
        ("Ada Keller", [ADA], [], ADA),
        ("KELLER ada", [ADA], [], ADA),
        ("Ada", [ADA], [], ADA),
        ("A. Keller", [ADA], [], ADA),
        ("Ada Maria Keller", [ADA], [], ADA),
        ("Ben Keller", [ADA], [], "new, beside 1"),
        ("Ada Vogt", [ADA], [], "new, beside 1"),
        ("", [ADA], [], ADA),
        # no name is known of whoever is there
        ("Ada Keller", [""], [], "nameless"),
        ("", [""], [], "nameless"),
        ("Ben Keller", ["", ADA], [], "nameless"),
        ("Ada Keller", ["", ADA], [], ADA),
        # several share it
        ("", [ADA, BEN], [], f"unsure: {ADA}, {BEN}"),
        ("Ben", [ADA, BEN], [], BEN),
        ("Keller", [ADA, BEN], [], f"unsure: {ADA}, {BEN}"),
        ("Mia Keller", [ADA, BEN], [], "new, beside 2"),
        ("Ada Keller", [ADA, ANN], [], ADA),
        ("Ada", [ADA, ANN], [], f"unsure: {ADA}, {ANN}"),
        ("Ada Maria Luise Keller", [ADA, ANN], [], f"unsure: {ADA}, {ANN}"),
        # two contact points
        ("", [ADA, BEN], [BEN], BEN),
        ("", [ADA], [BEN], f"unsure: {ADA}, {BEN}"),
        ("Keller", [ADA, BEN], [BEN], BEN),
        ("Ben Keller", [ADA], [BEN], BEN),
        ("", [], [BEN], BEN),
        # birth dates
        ("Sam Smith/1960-01-01", ["Sam Smith/1990-01-01"], [], "new, beside 1"),
        ("Sam Smith/1990-01-01", ["Sam Smith/1990-01-01"], [], "Sam Smith"),
        ("Sam Smith/1990-01-01", ["Sam Smith"], [], "Sam Smith"),
        ("Sam Smith", ["Sam Smith/1990-01-01"], [], "Sam Smith"),
        ("/1990-01-01", [f"{ADA}/1990-01-01", f"{BEN}/2015-05-05"], [], ADA),
        ("/2020-02-02", [f"{ADA}/1990-01-01"], [], "new, beside 1"),
        ("Keller/2015-05-05", [f"{ADA}/1990-01-01", f"{BEN}/2015-05-05"], [], BEN),
        ("Tim Keller", ["Tom Keller"], [], "new, beside 1"),
        # what strangers claim makes nobody doubtful, and is found by its name
        ("", [ADA, f"?{BEN}"], [], ADA),
        ("Ben Keller", [ADA, f"?{BEN}"], [], BEN),
        ("", [f"?{BEN}"], [], BEN),
        ("", [f"?{BEN}", "?Mia Keller"], [], f"unsure: {BEN}, Mia Keller"),
        ("Mia Keller", [f"?{BEN}"], [], "new, beside 1"),
    ],
)
def test_who_is_meant(what: str, phone: Sequence[str], email: Sequence[str], who: str) -> None:
    points = [[holder(one) for one in phone], [holder(one) for one in email]]
    assert shown(who_is_meant(said(what), points)) == who


def test_nothing_said_and_nothing_known_is_somebody_new() -> None:
    assert who_is_meant(Said(), []) == NewPerson(())
