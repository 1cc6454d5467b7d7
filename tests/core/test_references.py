"""What records are called at vendors."""

from chalicelib.core.references import Reference, id_of, updated

UID, NUMBER = Reference("here", "booking", "u1"), Reference("here", "booking_number", "7")
OTHERS = Reference("there", "booking", "x1")
MINE = Reference("here", "booking", "own", "staff")


def test_an_id_is_that_of_the_account_the_kind_and_the_part() -> None:
    known = (OTHERS, MINE, UID, NUMBER)
    assert id_of(known, "here", "booking") == "u1"
    assert id_of(known, "here", "booking", "staff") == "own"
    assert id_of(known, "there", "booking") == "x1"
    assert id_of(known, "there", "booking_number") is None
    assert id_of(known, None, "booking") is None


def test_what_a_vendor_says_anew_replaces_that_alone() -> None:
    newer = Reference("here", "booking", "u2")
    assert updated((UID, NUMBER, OTHERS, MINE), (newer,)) == (newer, NUMBER, OTHERS, MINE)
    assert updated((OTHERS,), (UID, NUMBER)) == (OTHERS, UID, NUMBER)
    assert updated((UID,), ()) == (UID,)
