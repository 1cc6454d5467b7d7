"""Whom a free time is offered to: against trying every entry on every slot; and the rules of entries and offers."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.availability.slots import Able, find_slots
from chalicelib.booking.engine.clocks import moment_of
from chalicelib.booking.practice.hours import Span
from chalicelib.booking.practice.models import Branch, Part
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.waitlist.entry import (
    LASTS,
    MOST_OFFERS,
    Candidate,
    Offer,
    Outcome,
    Range,
    WaitlistEntry,
    candidate_at,
)
from chalicelib.booking.waitlist.matching import best_match
from chalicelib.booking.waitlist.messages import say
from tests.booking.test_slots import LASER, MONDAY, NOW, WASH, at, booked, branch_day, member, search_index_of
from tests.sizes import examples

BERLIN = ZoneInfo("Europe/Berlin")
STAFF = (member("a", gender="female"), member("b", languages=("it",)), member("c", published=False))
BRANCH = search_index_of(STAFF, WASH, replace(LASER, skills=(), resources=()))


def entry(number: int = 0, **fields: Any) -> WaitlistEntry:
    made = WaitlistEntry(
        id=f"wai_{number}", company_id="com", branch_id="bra", customer_id="cus", service_ids=("svc_wash",),
        expires_at=NOW + LASTS * 3, look_at=NOW, created_at=NOW + timedelta(minutes=number), updated_at=NOW,
    )  # fmt: skip
    return replace(made, **fields)


def offer(starts_at: datetime, outcome: Outcome = "declined") -> Offer:
    return Offer(
        id="ofr", service_id="svc_wash", staff_id="a", starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30),
        until=starts_at, hold_id="hld", token_digest="", by="text", outcome=outcome, made_at=NOW,
    )  # fmt: skip


SPANS = st.builds(lambda start, length: Span(start, start + length), st.integers(480, 660), st.integers(30, 240))
RANGES = st.builds(
    lambda a, b: Range(MONDAY + timedelta(a), MONDAY + timedelta(a + b)), st.integers(-2, 1), st.integers(0, 3)
)
TERMS = st.fixed_dictionaries(
    {
        "service_ids": st.sampled_from([("svc_wash",), ("svc_laser",), ("svc_laser", "svc_wash")]),
        "days": st.lists(RANGES, max_size=2).map(tuple),
        "weekdays": st.sampled_from([(), (0,), (1, 2)]),
        "times": st.lists(SPANS, max_size=2).map(tuple),
        "staff_ids": st.sampled_from([(), (), ("a",), ("b", "a")]),
        "prefer": st.sampled_from([Preference(), Preference(gender="female"), Preference(language="IT")]),
        "visitor": st.booleans(),
        "offers": st.lists(st.integers(540, 690).map(lambda minute: offer(at(minute))), max_size=2).map(tuple),
    }
)
BUSY = st.lists(st.sampled_from([540, 570, 600, 630, 660]), unique=True, max_size=4)


@settings(max_examples=examples(150))
@given(terms=st.lists(TERMS, max_size=5), busy=st.lists(BUSY, min_size=3, max_size=3), seed=st.integers(0, 99))
def test_the_best_match_is_the_best_of_all(terms: list[dict[str, Any]], busy: list[list[int]], seed: int) -> None:
    people = [entry(number, **fields) for number, fields in enumerate(terms)]
    taken = {name: booked(*minutes, length=30) for name, minutes in zip("abc", busy, strict=True)}
    laid = branch_day(BRANCH, taken)
    found = best_match(laid, people)
    everything = [(one, free) for one in people for free in suiting(one, taken)]
    if found is None:
        assert everything == []
        return
    firsts = {
        one.id: (one, first_of(one, [free for who, free in everything if who.id == one.id])) for one, _ in everything
    }
    best, first_fit = min(firsts.values(), key=lambda pair: pair[0].rank(pair[1]))
    assert found.entry == best
    assert (found.candidate.service_id, found.candidate.starts_at) == (first_fit.service_id, first_fit.starts_at)
    assert sorted(found.candidate.staff_ids) == sorted(first_fit.staff_ids)
    shuffled = random.Random(seed).sample(people, len(people))
    assert best_match(laid, shuffled) == found


def first_of(one: WaitlistEntry, free: list[Candidate]) -> Candidate:
    """The earliest of the service that it prefers."""
    return min(free, key=lambda each: (one.service_ids.index(each.service_id), each.starts_at))


def suiting(one: WaitlistEntry, taken: dict[str, Any]) -> list[Candidate]:
    """Minute by minute, as one would read the entry aloud."""
    found = []
    for service in (s for s in BRANCH.services if s.id in one.service_ids):
        slots, _ = find_slots(branch_day(BRANCH, taken), service, Able(BRANCH.staff), None, 1000)
        for slot in slots:
            begins, ends = moment_of(slot.start).astimezone(BERLIN), moment_of(slot.end).astimezone(BERLIN)
            minute = begins.hour * 60 + begins.minute
            staff = tuple(name for name in slot.staff_ids if allowed(one, name))
            dates = [r.first + timedelta(n) for r in one.days for n in range((r.last - r.first).days + 1)]
            good = (
                staff
                and (not dates or begins.date() in dates)
                and (not one.weekdays or begins.weekday() in one.weekdays)
                and (
                    not one.times
                    or any(s.start <= minute and minute + service.duration_min <= s.end for s in one.times)
                )
                and all(ends <= o.starts_at or begins >= o.ends_at for o in one.offers)
            )
            if good:
                found.append(candidate_at(service.id, begins.astimezone(UTC), ends.astimezone(UTC), staff, BERLIN))
    return found


def allowed(one: WaitlistEntry, name: str) -> bool:
    person = next(each for each in STAFF if each.id == name)
    return (
        (person.published or not one.visitor)
        and (not one.staff_ids or name in one.staff_ids)
        and (one.prefer.gender in (None, person.gender))
        and (one.prefer.language is None or "it" in person.languages)
    )


def test_who_goes_first() -> None:
    free = candidate_at("svc_wash", at(540), at(570), ("a",), BERLIN)
    exact = entry(3, times=(Span(540, 570),))
    staffed = entry(4, staff_ids=("a",))
    narrow = entry(2, days=(Range(MONDAY, MONDAY),))
    mornings = entry(1, times=(Span(480, 720),))
    early, late = entry(0), entry(5)
    order = sorted([late, early, mornings, narrow, exact, staffed], key=lambda one: one.rank(free))
    assert order == [staffed, exact, narrow, mornings, early, late]
    twins = [replace(early, id="wai_b"), replace(early, id="wai_a")]
    assert sorted(twins, key=lambda one: one.rank(free))[0].id == "wai_a"


def test_staff_come_in_the_order_in_which_they_are_preferred() -> None:
    match = best_match(branch_day(BRANCH, {}), [entry(staff_ids=("b", "a"))])
    assert match is not None
    assert match.candidate.staff_ids == ("b", "a")


def test_a_time_and_what_overlaps_it_is_not_offered_again() -> None:
    one = entry(times=(Span(540, 600),))
    laid = branch_day(BRANCH, {})
    first = best_match(laid, [one])
    assert first is not None
    assert first.candidate.starts_at == at(540)
    offered = one.offered(offer(at(540), "open"), NOW)
    assert (offered.status, offered.due_at, offered.may_be_offered(NOW)) == ("offered", at(540), False)
    again = best_match(laid, [offered.again("lapsed", NOW)])
    assert again is not None
    assert again.candidate.starts_at == at(570)
    assert best_match(laid, [one], {(one.id, start) for start in (at(540), at(555), at(570))}) is None


def test_ends() -> None:
    offered = entry().offered(offer(at(540), "open"), NOW)
    late = offered.expires_at + timedelta(seconds=1)
    assert offered.again("lapsed", late).status == "expired"
    assert offered.withdrawn(NOW).offers[0].outcome == "withdrawn"
    booked_ = offered.booked("apt_1", NOW)
    assert (booked_.status, booked_.offers[0].outcome) == ("booked", "accepted")
    gone = booked_.again("gone", NOW)
    assert (gone.status, gone.appointment_id, gone.offers[0].outcome) == ("waiting", None, "gone")
    tired = entry(offers=tuple(offer(at(540)) for _ in range(MOST_OFFERS)))
    assert not tired.may_be_offered(NOW)
    assert not entry().may_be_offered(late)
    unheard = tuple(offer(at(540), "lapsed") for _ in range(3))
    assert not entry(offers=unheard).may_be_offered(NOW)
    assert entry(offers=(*unheard, offer(at(540)))).may_be_offered(NOW)


def test_what_cannot_be_waited_for_is_not_offered() -> None:
    package = replace(WASH, id="svc_wash", parts=(Part("svc_laser"),))
    for service in (package, replace(WASH, seats=4), replace(WASH, mobile=True)):
        assert best_match(branch_day(search_index_of(STAFF, service), {}), [entry()]) is None
    hidden = search_index_of(STAFF, replace(WASH, published=False))
    assert best_match(branch_day(hidden, {}), [entry(visitor=True)]) is None
    assert best_match(branch_day(hidden, {}), [entry()]) is not None
    flexible = search_index_of(STAFF, replace(WASH, longest_min=90))
    assert best_match(branch_day(flexible, {}), [entry(length_min=120)]) is None
    longer = best_match(branch_day(flexible, {}), [entry(length_min=90)])
    assert longer is not None
    assert longer.candidate.end - longer.candidate.start == 90


def test_the_clock_that_jumps_is_read_as_it_shows() -> None:
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30 in Berlin; at 02:00 it is 03:00
    spring = candidate_at("svc", night, night + timedelta(minutes=60), ("a",), BERLIN)
    assert (spring.day, spring.start, spring.end) == (date(2026, 3, 29), 90, 210)
    over = candidate_at("svc", night - timedelta(hours=2), night, ("a",), BERLIN)
    assert (over.start, over.end) == (1410, 1530)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Wash is free on Mon 2026-03-30, 10:00 with Ada. We keep it for you until 09:45: u"),
        ("de", "Wash ist frei am Mo 30.03.2026, 10:00 mit Ada. Für Sie reserviert bis 09:45: u"),
        ("it", "Wash è libero lun 30/03/2026, 10:00 con Ada. Lo teniamo per Lei fino alle 09:45: u"),
        ("vi", "Wash còn trống vào T2 30/03/2026, 10:00 với Ada. Chúng tôi giữ chỗ đến 09:45: u"),
        ("xx", "Wash is free on Mon 2026-03-30, 10:00 with Ada. We keep it for you until 09:45: u"),
    ],
)
def test_words(language: str, words: str) -> None:
    branch = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=(), language=language)
    staff = (replace(member("a"), name="Ada"),)
    schedule = Schedule(branch=branch, services=(replace(WASH, name="Wash"),), staff=staff)
    made = replace(offer(at(600)), until=at(600) - timedelta(minutes=15))
    assert say("text", schedule, made, "u") == f"B: {words}"
    assert "B" in say("subject", schedule, made, "u")
    unpublished = replace(schedule, staff=(replace(staff[0], published=False),))
    day_before = say("mail", unpublished, replace(made, until=at(600) - timedelta(days=1)), "u")
    assert "Ada" not in day_before
    assert day_before.count("10:00") == 2
