"""The rules of the waiting list, each at both sides of its boundary."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.jobs import OfferOpening
from chalicelib.booking.practice.hours import Span
from chalicelib.booking.practice.models import Branch, Skill
from chalicelib.booking.practice.phone import CallRouting, QuietHours
from chalicelib.booking.practice.policy import FURTHEST, Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.waitlist import make_offers
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import (
    LASTS,
    LONGEST,
    MOST_OFFERS,
    MOST_UNANSWERED,
    Range,
    WaitlistEntry,
    candidate_at,
)
from chalicelib.booking.waitlist.join import MOST_DAYS, WaitlistRequest, find_faults
from chalicelib.booking.waitlist.matching import length_of
from chalicelib.booking.waitlist.offer_rules import (
    REACH,
    SHORTEST,
    CannotReach,
    FreedTime,
    kept_until,
    offered_by,
    start_window,
)
from chalicelib.core.errors import Conflict
from chalicelib.core.jobs import Postpone
from chalicelib.crm.people.person import ContactPoint, Person
from infra.local.demo_practice import Practice
from tests.booking.test_slots import MONDAY, NOW, WASH, at, member
from tests.booking.test_waitlist_match import BERLIN, entry, offer
from tests.calls.telephone import COMPANY, context
from tests.races.test_waiting_list import everyone, wait

MOMENT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)


def test_an_entry_expires_at_the_very_moment() -> None:
    one = entry()
    assert one.may_be_offered(one.expires_at - MOMENT)
    assert not one.may_be_offered(one.expires_at)
    offered = one.offered(offer(at(540), "open"), NOW)
    assert offered.again("lapsed", one.expires_at - MOMENT).status == "waiting"
    assert offered.again("lapsed", one.expires_at).status == "expired"


def test_an_offer_lapses_at_the_very_moment() -> None:
    made = offer(at(540), "open")
    assert made.outcome_at(made.until - MOMENT) == "open"
    assert made.outcome_at(made.until) == "lapsed"
    assert offer(at(540), "accepted").outcome_at(made.until) == "accepted"


def test_the_last_offer_that_an_entry_may_have() -> None:
    declined = offer(at(540))
    assert entry(offers=(declined,) * (MOST_OFFERS - 1)).may_be_offered(NOW)
    assert not entry(offers=(declined,) * MOST_OFFERS).may_be_offered(NOW)
    lapsed = offer(at(540), "lapsed")
    assert entry(offers=(declined, *(lapsed,) * (MOST_UNANSWERED - 1))).may_be_offered(NOW)
    assert not entry(offers=(declined, *(lapsed,) * MOST_UNANSWERED)).may_be_offered(NOW)


def test_the_clock_looks_at_an_entry_in_a_day_or_when_its_offer_or_it_itself_ends() -> None:
    one = entry(look_at=NOW + timedelta(days=1))
    assert one.due_at == one.look_at
    assert replace(one, expires_at=one.look_at - MINUTE).due_at == one.look_at - MINUTE
    assert one.offered(offer(at(540), "open"), NOW).due_at == at(540)
    assert one.looked_at(NOW + timedelta(hours=5)).look_at == NOW + timedelta(hours=29)


def test_the_fewer_minutes_would_do_the_narrower_an_entry_is() -> None:
    tuesday, thursday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)
    assert entry(days=(Range(MONDAY, MONDAY),)).breadth() == 1440
    assert entry(days=(Range(MONDAY, tuesday), Range(thursday, thursday))).breadth() == 3 * 1440
    assert entry(days=(Range(MONDAY, thursday),), weekdays=(1, 3)).breadth() == 2 * 1440
    assert entry(days=(Range(MONDAY, tuesday),), times=(Span(540, 600), Span(720, 735))).breadth() == 2 * 75
    made = entry(expires_at=NOW + timedelta(days=9))
    assert made.breadth() == 10 * 1440
    assert made.last_day() == NOW.date() + timedelta(days=9)
    assert replace(made, days=(Range(MONDAY, MONDAY), Range(NOW.date(), NOW.date()))).last_day() == MONDAY


def test_the_figures() -> None:
    """As the decision and the API's description name them."""
    assert (LASTS.days, LONGEST.days, MOST_DAYS, MOST_OFFERS, MOST_UNANSWERED) == (30, 180, 62, 50, 3)
    assert (SHORTEST.seconds, make_offers.MOST_WAITING, make_offers.AT_ONCE) == (180, 500, 20)


FITTING: list[tuple[dict[str, Any], bool]] = [
    ({"times": (Span(540, 570),)}, True),
    ({"times": (Span(541, 571),)}, False),
    ({"times": (Span(539, 569),)}, False),
    ({"times": (Span(600, 660), Span(500, 570))}, True),
    ({"days": (Range(MONDAY, MONDAY),)}, True),
    ({"days": (Range(MONDAY - timedelta(days=3), MONDAY - timedelta(days=1)),)}, False),
    ({"days": (Range(MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)),)}, False),
    ({"weekdays": (0,)}, True),
    ({"weekdays": (1, 6)}, False),
    ({"offers": (offer(at(510)),)}, True),
    ({"offers": (offer(at(511)),)}, False),
    ({"offers": (offer(at(569)),)}, False),
    ({"offers": (offer(at(570)),)}, True),
    ({"service_ids": ("svc_other",)}, False),
]


@pytest.mark.parametrize(("fields", "fits"), FITTING)
def test_a_time_fits_to_the_minute_and_to_the_day(fields: dict[str, Any], fits: bool) -> None:
    nine = candidate_at("svc_wash", at(540), at(570), ("a",), BERLIN)
    assert entry(**fields).fits(nine) == fits


def test_a_length_may_be_the_shortest_and_the_longest() -> None:
    flexible = replace(WASH, duration_min=30, longest_min=90)
    assert [length_of(flexible, length) for length in (29, 30, 90, 91, None)] == [None, 30, 90, None, 30]
    assert length_of(WASH, 45) == WASH.duration_min


def minutes(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def midnight(day: date) -> int:
    return minutes(datetime.combine(day, time(), BERLIN))


def test_offers_are_made_ninety_two_days_ahead() -> None:
    far = entry(days=(Range(NOW.date(), NOW.date() + timedelta(days=200)),))
    assert timedelta(days=92) == REACH
    assert start_window(FreedTime("bra"), "Europe/Berlin", [far], NOW) == (minutes(NOW), minutes(NOW + REACH))
    last = (NOW + REACH).astimezone(BERLIN).date() - timedelta(days=1)
    nearer = entry(days=(Range(NOW.date(), last),))
    # A window is half open: it ends with the last day that would do, where that comes first.
    assert start_window(FreedTime("bra"), "Europe/Berlin", [nearer], NOW)[1] == midnight(last + timedelta(days=1))
    assert start_window(FreedTime("bra"), "Europe/Berlin", [nearer, far], NOW)[1] == minutes(NOW + REACH)


def test_what_became_free_is_looked_at_by_whole_days() -> None:
    freed = FreedTime("bra", at(600), at(660))
    tuesday = MONDAY + timedelta(days=1)
    assert start_window(freed, "Europe/Berlin", [entry()], NOW) == (midnight(MONDAY), midnight(tuesday))
    over_midnight = FreedTime("bra", at(600), at(24 * 60))
    assert start_window(over_midnight, "Europe/Berlin", [entry()], NOW)[1] == midnight(tuesday + timedelta(days=1))
    begun = start_window(freed, "Europe/Berlin", [entry()], at(610))
    assert begun == (minutes(at(610)), midnight(tuesday))
    first, last = start_window(freed, "Europe/Berlin", [entry()], at(24 * 60))
    assert first >= last


def test_an_offer_is_kept_on_whole_minutes_and_three_of_them_at_least() -> None:
    policy = Policy(minimum_notice_min=60, waiting_offer_min=30)
    now, starts_at = at(540), at(700)
    assert kept_until(starts_at, policy, now) == now + timedelta(minutes=30)
    assert kept_until(starts_at, policy, now + timedelta(seconds=59)) == now + timedelta(minutes=30)
    latest = starts_at - timedelta(minutes=60)
    assert kept_until(starts_at, policy, latest - SHORTEST) == latest
    with pytest.raises(Conflict, match="no time left"):
        kept_until(starts_at, policy, latest - SHORTEST + timedelta(seconds=1))
    waived = replace(policy, off=("minimum_notice",))
    assert kept_until(starts_at, waived, starts_at - SHORTEST) == starts_at
    with pytest.raises(Conflict, match="no time left"):
        kept_until(starts_at, waived, starts_at - SHORTEST + timedelta(seconds=1))


QUIET = QuietHours(texts=True)
PHONE = ContactPoint(kind="phone", value="+4915112345601", added_at=NOW)
EMAIL = ContactPoint(kind="email", value="eve@example.com", added_at=NOW)
CUSTOMER = Person(id="cus", company_id="com", name="Eve", contact_points=(PHONE, EMAIL), created_at=NOW, updated_at=NOW)
LANDLINE = replace(PHONE, value="+493012345678")
BRANCH = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=(), phone="+493012345678")


def test_texts_are_sent_from_the_minute_on_in_which_nobody_sleeps_any_more() -> None:
    quiet = replace(BRANCH, quiet_hours=QUIET)
    awake = quiet.next_outbound(datetime(2026, 3, 30, 1, tzinfo=UTC))
    assert offered_by(CUSTOMER, quiet, awake, refuses_texts=False) == "text"
    assert offered_by(CUSTOMER, quiet, awake - MINUTE, refuses_texts=False) == "mail"
    with pytest.raises(CannotReach) as raised:
        offered_by(replace(CUSTOMER, contact_points=(PHONE,)), quiet, awake - MINUTE, refuses_texts=False)
    assert raised.value.until == awake


NO_TEXTS: list[Callable[[], Any]] = [
    lambda: offered_by(CUSTOMER, BRANCH, NOW, refuses_texts=True),
    lambda: offered_by(replace(CUSTOMER, contact_points=(LANDLINE, EMAIL)), BRANCH, NOW, refuses_texts=False),
    lambda: offered_by(replace(CUSTOMER, contact_points=(EMAIL,)), BRANCH, NOW, refuses_texts=False),
    lambda: offered_by(CUSTOMER, replace(BRANCH, phone=None), NOW, refuses_texts=False),
]


@pytest.mark.parametrize("offered", NO_TEXTS)
def test_who_cannot_get_texts_gets_mail(offered: Callable[[], Any]) -> None:
    assert offered() == "mail"


def test_who_cannot_be_reached_at_all_is_not_waited_for() -> None:
    with pytest.raises(CannotReach) as raised:
        offered_by(replace(CUSTOMER, contact_points=(PHONE,)), BRANCH, NOW, refuses_texts=True)
    assert raised.value.until is None
    routed = replace(BRANCH, phone=None, call_routing=CallRouting(text_from="+493012345679"))
    assert offered_by(CUSTOMER, routed, NOW, refuses_texts=False) == "text"


TODAY = NOW.astimezone(ZoneInfo("Europe/Berlin")).date()
EXPIRES = NOW + LASTS


def days(first: int, last: int) -> dict[str, Any]:
    return {"days": (Range(TODAY + timedelta(days=first), TODAY + timedelta(days=last)),)}


LASTING = LASTS.days
REQUESTS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    (days(0, 0), []),
    (days(-9, 0), []),
    (days(-9, -1), ["in_the_past"]),
    (days(1, 0), ["ends_before_start"]),
    (days(0, MOST_DAYS - 1), []),
    (days(0, MOST_DAYS), ["range_too_long"]),
    (days(LASTING, LASTING), []),
    (days(LASTING + 1, LASTING + 1), ["after_expiry"]),
    (days(FURTHEST.days, FURTHEST.days), ["after_expiry"]),
    (days(FURTHEST.days + 1, FURTHEST.days + 1), ["too_far_ahead"]),
    ({"times": (Span(1410, 1440),)}, []),
    ({"times": (Span(1411, 1441),)}, ["past_midnight"]),
    ({"times": (Span(540, 569),)}, ["too_short"]),
    ({"times": (Span(540, 540),)}, ["ends_before_start"]),
    (days(0, 6) | {"weekdays": (3,)}, []),
    (days(0, 0) | {"weekdays": (TODAY.weekday(),)}, []),
    (days(0, 5) | {"weekdays": ((TODAY.weekday() + 6) % 7,)}, ["never"]),
    ({"services": ()}, ["required"]),
    ({"services": ("Nothing",)}, ["unknown_service"]),
    ({"length_min": 30}, []),
    ({"length_min": 31}, ["length_not_offered"]),
    ({"staff": ("Ada",)}, []),
    ({"staff": ("Nobody",)}, ["unknown_staff"]),
]


@pytest.mark.parametrize(("fields", "codes"), REQUESTS)
def test_what_can_be_waited_for(fields: dict[str, Any], codes: list[str]) -> None:
    schedule = Schedule(branch=BRANCH, services=(WASH,), staff=(replace(member("a"), name="Ada"),))
    request = WaitlistRequest(**{"branch_id": "bra", "services": ("Wash",)} | fields)
    assert [fault.code for fault in find_faults(request, schedule, NOW, EXPIRES)] == codes


def codes_of(schedule: Schedule, **fields: Any) -> list[str]:
    request = WaitlistRequest(**{"branch_id": "bra", "services": ("Wash",)} | fields)
    return [fault.code for fault in find_faults(request, schedule, NOW, EXPIRES)]


def test_what_is_not_published_is_waited_for_by_staff_alone() -> None:
    hidden = Schedule(branch=BRANCH, services=(replace(WASH, published=False),), staff=(member("a"),))
    assert codes_of(hidden) == []
    assert codes_of(hidden, visitor=True) == ["unknown_service"]
    secret = Schedule(branch=BRANCH, services=(WASH,), staff=(member("a", published=False),))
    assert codes_of(secret, staff=("a",)) == []
    assert codes_of(secret, staff=("a",), visitor=True) == ["unknown_staff"]


def test_what_calcom_would_not_wait_for_is_not_waited_for() -> None:
    deposit = replace(WASH, policy=Policy(deposit_minor=1))
    calcom = replace(BRANCH, books_through="calcom")
    assert codes_of(Schedule(branch=BRANCH, services=(deposit,), staff=())) == []
    assert codes_of(Schedule(branch=calcom, services=(WASH,), staff=())) == []
    assert codes_of(Schedule(branch=calcom, services=(deposit,), staff=())) == ["not_waited_for"]
    assert codes_of(Schedule(branch=BRANCH, services=(replace(WASH, seats=2),), staff=())) == ["not_waited_for"]


def test_a_skill_is_one_that_somebody_has_and_is_not_asked_of_staff_by_name() -> None:
    schedule = Schedule(branch=BRANCH, services=(WASH,), staff=(member("a", skills=(Skill("Laser"),)),))
    assert codes_of(schedule, prefer=Preference(skill="laser")) == []
    assert codes_of(schedule, prefer=Preference(skill="dance")) == ["skill_nobody_has"]
    assert codes_of(schedule, prefer=Preference(skill="laser"), staff=("a",)) == ["one_of"]


def test_a_length_between_the_shortest_and_the_longest_can_be_waited_for() -> None:
    flexible = Schedule(branch=BRANCH, services=(replace(WASH, longest_min=90),), staff=())
    found = {length: codes_of(flexible, length_min=length) for length in (29, 30, 90, 91)}
    assert found == {29: ["length_not_offered"], 30: [], 90: [], 91: ["length_not_offered"]}


def test_nobody_waits_longer_than_half_a_year() -> None:
    schedule = Schedule(branch=BRANCH, services=(WASH,), staff=())
    request = WaitlistRequest(branch_id="bra", services=("Wash",))
    assert list(find_faults(request, schedule, NOW, NOW + LONGEST)) == []
    (fault,) = find_faults(request, schedule, NOW, NOW + LONGEST + MOMENT)
    assert fault.code == "too_long"


def offer_any(practice: Practice, newest: str = "") -> None:
    job = OfferOpening(company_id=COMPANY, branch_ids=(practice.branches[0].id,), waiting_id=newest)
    make_offers.offer_opening(job, context())


def offered_to() -> list[str]:
    return sorted(one.id for one in everyone() if one.offer)


def test_of_many_those_who_wait_longest_are_looked_at_and_whoever_has_just_come(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_offers, "MOST_WAITING", 2)
    made = [wait(practice, number, 720) for number in range(4)]
    assert waitlist_store.open_in(COMPANY, practice.branches[0].id, 2) == made[:2]
    offer_any(practice)
    assert offered_to() == [one.id for one in made[:2]]
    offer_any(practice, made[3].id)
    assert offered_to() == [made[n].id for n in (0, 1, 3)]


def test_what_is_too_much_for_one_job_is_left_to_the_next(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_offers, "AT_ONCE", 2)
    made = [wait(practice, number, 720) for number in range(3)]
    with pytest.raises(Postpone):
        offer_any(practice)
    assert offered_to() == [one.id for one in made[:2]]
    offer_any(practice)
    assert len(offered_to()) == 3


def test_an_entry_that_the_rules_refuse_is_left_after_five_times(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[WaitlistEntry] = [wait(practice, 0, 1020), wait(practice, 1, 1020)]
    refused: list[str] = []

    def refuse(match: Any, context: Any) -> None:
        refused.append(match.entry.id)
        raise Conflict("not_bookable", "The rules do not allow it.")

    monkeypatch.setattr(make_offers, "_make", refuse)
    offer_any(practice)
    assert refused == [made[0].id] * make_offers.REFUSALS + [made[1].id] * make_offers.REFUSALS
