"""Who has a contact point: a phone number or an e-mail address leads to all the persons who share it."""

import msgspec

from chalicelib.crm.names.compare import Name

MOST_HOLDERS = 60
"""Of one contact point; a switchboard has no more who are told apart by it."""


class Holder(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person at a contact point, with what tells them from others there; digests, so that nobody reads it.

    `claimed`: someone said so who may be a stranger. They are found by their name, and nobody else is doubted for it.
    """

    person_id: str
    name: Name = ()
    born: str | None = None
    claimed: bool = False


class Holders(msgspec.Struct, frozen=True):
    """All who have it, those first who had it first. `version` 0: nobody has it yet."""

    all: tuple[Holder, ...] = ()
    version: int = 0

    def with_(self, holder: Holder) -> "Holders":
        """The next version, in which this person has it (and what is said of them is this)."""
        others = tuple(one for one in self.all if one.person_id != holder.person_id)
        known = next((number for number, one in enumerate(self.all) if one.person_id == holder.person_id), len(others))
        return Holders((*others[:known], holder, *others[known:]), self.version + 1)

    def without(self, person_id: str) -> "Holders":
        """The next version, in which they do not."""
        return Holders(tuple(one for one in self.all if one.person_id != person_id), self.version + 1)

    def find(self, person_id: str) -> Holder | None:
        """This person, if they have it."""
        return next((one for one in self.all if one.person_id == person_id), None)
