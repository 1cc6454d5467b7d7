"""Who is meant: the one function that every way in asks, by contact points, name and birth date; pure.

Everybody who has the phone number or the e-mail address that was given is a candidate.

1. A name was given. Candidates whose name fits it (the same words in any order, some of them left out, or initials of
   them) and whose birth date is not another one are meant: one of them is the person; of several the one whose name has
   the very same words, then the one who has both contact points, then the one whose birth date was said; else it is
   unsure. Where no name fits, the one candidate of whom no name is known is the person. Else somebody else is meant: a
   new person, in the household of those who were there before. Nothing is made of names that only sound alike: Tim and
   Tom may be brothers.
2. No name was given. Those whose birth date is another one are not meant. One candidate is the person; of several the
   one whose birth date was said, then the one who has both contact points; else it is unsure. Nobody: a new person.

Whoever only claims a contact point (a stranger said that it is theirs) is a candidate if their name fits, or if nobody
else is there: nobody becomes unknown, or doubtful, by what strangers say. A phone number with an extension is another
one than the number without, so a switchboard is nobody in particular.
"""

from collections.abc import Sequence

import msgspec

from chalicelib.crm.contact_points.holders import Holder
from chalicelib.crm.names.compare import Name, fits


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of who it is, besides the contact points."""

    name: Name = ()
    born: str | None = None


class SamePerson(msgspec.Struct, frozen=True):
    """They are known."""

    holder: Holder


class NewPerson(msgspec.Struct, frozen=True):
    """They are not; `beside`: who shares a contact point with them, the first of whom had it first."""

    beside: tuple[Holder, ...] = ()


class Unsure(msgspec.Struct, frozen=True):
    """One of these, or somebody else: whoever can be asked is asked."""

    candidates: tuple[Holder, ...]


Meant = SamePerson | NewPerson | Unsure


def who_is_meant(said: Said, points: Sequence[Sequence[Holder]]) -> Meant:
    """Who comes, where `points` are those who have each of the contact points given, the phone's first."""
    known = [point for point in points if point]
    everybody = list({holder.person_id: holder for point in known for holder in point}.values())
    of_all = [holder for holder in everybody if all(holder.person_id in _ids(point) for point in known)]
    trusted = [holder for holder in everybody if not holder.claimed]
    if not said.name:
        return _nameless(said, trusted or everybody, of_all)
    fitting = [holder for holder in everybody if fits(said.name, holder.name) and _may_be_born(said, holder)]
    if fitting:
        exact = [holder for holder in fitting if set(holder.name) == set(said.name)]
        return _one_of(fitting, exact, [h for h in fitting if h in of_all], [h for h in fitting if _born(said, h)])
    unnamed = [holder for holder in trusted or everybody if not holder.name and _may_be_born(said, holder)]
    if unnamed:
        return _one_of(unnamed, [holder for holder in unnamed if holder in of_all])
    return NewPerson(tuple(everybody))


def _nameless(said: Said, candidates: Sequence[Holder], of_all: Sequence[Holder]) -> Meant:
    left = [holder for holder in candidates if _may_be_born(said, holder)]
    if not left:
        return NewPerson(tuple(candidates))
    return _one_of(left, [holder for holder in left if _born(said, holder)], [h for h in left if h in of_all])


def _one_of(candidates: Sequence[Holder], *better: Sequence[Holder]) -> Meant:
    """The only one; of several, the only one for whom something more speaks."""
    found = next((group[0] for group in (candidates, *better) if len(group) == 1), None)
    return SamePerson(found) if found else Unsure(tuple(candidates))


def _may_be_born(said: Said, holder: Holder) -> bool:
    return said.born is None or holder.born in (None, said.born)


def _born(said: Said, holder: Holder) -> bool:
    return said.born is not None and holder.born == said.born


def _ids(point: Sequence[Holder]) -> list[str]:
    return [holder.person_id for holder in point]
