"""Automatic assignment: whom, among those free and able, a booking goes to."""

from collections.abc import Sequence
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.calendar.entries import AWAY, Entry
from chalicelib.booking.practice.models import Gender, Staff

How = Literal["least_loaded", "round_robin", "priority"]


class Preference(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a customer would rather have; who meets more of it goes first, and nobody is left out for it."""

    gender: Gender | None = None
    language: str | None = None
    skill: str | None = None

    def met(self, member: Staff, on: date) -> int:
        """How much of it this member of staff meets on that date."""
        languages = {language.casefold() for language in member.languages}
        return sum(
            (
                self.gender is not None and member.gender == self.gender,
                self.language is not None and self.language.casefold() in languages,
                self.skill is not None and member.can((self.skill,), on),
            )
        )


class Candidate(msgspec.Struct, frozen=True):
    """Someone who is free and able. `load`: bookings on the day; `latest`: the newest booking's reference, by age."""

    member: Staff
    load: int = 0
    latest: bytes = b""


def candidate(member: Staff, entries: Sequence[Entry], day: date, clock: ZoneInfo) -> Candidate:
    """What matters of the entries of someone's calendar. References begin with the time of booking, so they sort."""
    booked = [entry for entry in entries if entry.kind not in AWAY]
    load = sum(entry.start.astimezone(clock).date() == day for entry in booked)
    return Candidate(member, load, max((entry.reference for entry in booked), default=b""))


def ranked(candidates: Sequence[Candidate], day: date, how: How, preference: Preference) -> list[Candidate]:
    """The best first. Ties go by id, so that the same question has the same answer.

    `least_loaded`: fewest bookings that day for their weight; `round_robin`: whose latest booking is the oldest;
    `priority`: the highest, and among equals the least loaded.
    """

    def load(one: Candidate) -> float:
        return one.load / one.member.weight

    def order(one: Candidate) -> tuple[int | float | bytes | str, ...]:
        by: dict[How, tuple[int | float | bytes, ...]] = {
            "least_loaded": (load(one),),
            "round_robin": (one.latest,),
            "priority": (-one.member.priority, load(one)),
        }
        return (-preference.met(one.member, day), *by[how], one.member.id)

    return sorted(candidates, key=order)
