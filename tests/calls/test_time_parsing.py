"""What people say for days and times, on the branch's clock; what is not understood wholly is refused."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.time_parsing import any_day, coming_day, instant
from chalicelib.core.errors import Invalid
from chalicelib.crm.names.compare import same_name

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
"""Saturday, ten o'clock in Berlin."""


def branch(language: str = "en", *hours: Window, zone: str = "Europe/Berlin") -> Branch:
    open_hours = hours or tuple(Window(day, 8 * 60, 20 * 60) for day in range(5))
    return Branch(id="bra_1", company_id="com_1", name="B", zone=zone, hours=open_hours, language=language)


def local(text: str, language: str, **more: date) -> str:
    found = instant(text, branch(language), NOW, "args.starts_at", **more)
    return found.astimezone(BERLIN).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("language", "text", "meant"),
    [
        ("en", "tomorrow at half past three", "11-22 15:30"),
        ("en", "Monday at half past three", "11-23 15:30"),
        ("en", "next Monday, 10:30", "11-23 10:30"),
        ("en", "the day after tomorrow at quarter to nine", "11-23 08:45"),
        ("en", "December 1st at 2 p.m.", "12-01 14:00"),
        ("en", "on the 1st of December at ten past nine", "12-01 09:10"),
        ("en", "in 3 days at noon", "11-24 12:00"),
        ("en", "three days from now at nine", "11-24 09:00"),
        ("en", "this evening at seven", "11-21 19:00"),
        ("en", "Friday morning at 11", "11-27 11:00"),
        ("en", "Saturday at 11", "11-21 11:00"),
        ("en", "next Saturday at 11", "11-28 11:00"),
        ("en", "2026-12-01 at 9:30", "12-01 09:30"),
        ("en", "2026-12-01T03:30", "12-01 03:30"),
        ("en", "2026-12-01T03:30:00+00:00", "12-01 04:30"),
        ("de", "Montag um halb vier", "11-23 15:30"),
        ("de", "nächsten Dienstag um Viertel nach drei", "11-24 15:15"),
        ("de", "übermorgen um Viertel vor zwölf", "11-23 11:45"),
        ("de", "morgen früh um acht", "11-22 08:00"),
        ("de", "am 1. Dezember um 15.30 Uhr", "12-01 15:30"),
        ("de", "1.12. um 15 Uhr 30", "12-01 15:30"),
        ("de", "nächste Woche Freitag um fünf nach zehn", "11-27 10:05"),
        ("de", "in fünf Tagen um 9 Uhr", "11-26 09:00"),
        ("de", "Mittwoch Mittag", "11-25 12:00"),
        ("de", "tomorrow at three", "11-22 15:00"),
        ("it", "domani alle tre e mezza", "11-22 15:30"),
        ("it", "lunedì alle quattro meno un quarto", "11-23 15:45"),
        ("it", "dopodomani all'una", "11-23 13:00"),
        ("it", "martedì 1º dicembre alle 15:30", "12-01 15:30"),
        ("it", "venerdì prossimo alle dieci e un quarto", "11-27 10:15"),
        ("it", "1/12 alle nove di mattina", "12-01 09:00"),
        ("it", "tra 3 giorni a mezzogiorno", "11-24 12:00"),
        ("vi", "ngày mai lúc ba giờ rưỡi chiều", "11-22 15:30"),
        ("vi", "thứ hai lúc 9 giờ 30", "11-23 09:30"),
        ("vi", "thứ tư tuần sau lúc mười giờ kém mười lăm", "11-25 09:45"),
        ("vi", "sáng thứ sáu 9 giờ", "11-27 09:00"),
        ("vi", "ngày 1 tháng 12 năm 2026 lúc 14 giờ", "12-01 14:00"),
        ("vi", "3 ngày nữa lúc năm giờ chiều", "11-24 17:00"),
    ],
)
def test_times_as_people_say_them(language: str, text: str, meant: str) -> None:
    assert local(text, language) == meant


def test_a_time_alone_is_of_the_day_that_is_spoken_of() -> None:
    assert local("at half past four", "en", day=date(2026, 12, 3)) == "12-03 16:30"
    assert local("um 16 Uhr", "de", day=date(2026, 12, 3)) == "12-03 16:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "soon",
        "Monday",
        "at three",
        "2026-12-01",
        "not tomorrow at three",
        "Monday after next at three",
        "February 30 at nine",
        "tomorrow at 25:00",
        "tomorrow at 9:75",
        "9" * 190,
        "0001-01-01T00:00+14:00",
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        instant(text, branch(), NOW, "args.starts_at")
    assert refused.value.faults[0].path == "args.starts_at"


def test_an_hour_that_the_clock_skips_or_shows_twice() -> None:
    with pytest.raises(Invalid) as refused:
        instant("March 28 2027 at 02:30", branch(), NOW, "p")
    assert refused.value.faults[0].code == "skipped_time"
    assert instant("October 31 2027 at 02:30", branch(), NOW, "p") == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_an_hour_is_meant_when_the_branch_is_open() -> None:
    nights = tuple(Window(day, 20 * 60, 28 * 60) for day in range(7))
    assert instant("Monday at 3", branch("en", *nights), NOW, "p").astimezone(BERLIN).hour == 3
    assert instant("Monday at 9", branch("en", *nights), NOW, "p").astimezone(BERLIN).hour == 21


def test_days() -> None:
    assert coming_day("Monday", branch(), NOW, "p") == date(2026, 11, 23)
    assert coming_day("übermorgen", branch("de"), NOW, "p") == date(2026, 11, 23)
    assert any_day("2026-11-01", branch(), NOW, "p") == date(2026, 11, 1)
    # In Auckland it is eleven at night: tomorrow is another date there.
    assert coming_day("tomorrow", branch(zone="Pacific/Auckland"), NOW.replace(hour=12), "p") == date(2026, 11, 23)
    for text, code in (("2026-11-20", "in_the_past"), ("2030-01-01", "too_far_ahead"), ("someday", "not_a_date")):
        with pytest.raises(Invalid) as refused:
            coming_day(text, branch(), NOW, "p")
        assert refused.value.faults[0].code == code


def opened(branch: Branch) -> Schedule:
    return Schedule(branch=branch, services=(), staff=())


def test_opening_hours() -> None:
    day_shift = branch()
    assert not opened(day_shift).is_open(NOW)
    assert opened(day_shift).next_opening(NOW) == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert opened(day_shift).is_open(datetime(2026, 11, 23, 7, tzinfo=UTC))
    assert not opened(day_shift).is_open(datetime(2026, 11, 23, 19, tzinfo=UTC))
    night_shift = branch("en", Window(6, 22 * 60, 30 * 60))
    assert opened(night_shift).is_open(datetime(2026, 11, 23, 4, 59, tzinfo=UTC))
    assert not opened(night_shift).is_open(datetime(2026, 11, 23, 5, tzinfo=UTC))
    assert opened(Branch(id="b", company_id="c", name="B", zone="Europe/Berlin", hours=())).next_opening(NOW) is None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Mara Lindner", "LINDNER, mara", True),
        ("Jürgen Müller", "Juergen Mueller", True),
        ("Nguyễn Thị Đào", "nguyen thi dao", True),
        ("Nguyễn Văn An", "Nguyễn Văn Anh", False),
        ("Chloé D'Arcy", "chloe d arcy", True),
        ("Mara Lindner", "Mara", False),
        ("Mara Lindner", "", False),
        ("+4930123456", "+4930123456", False),
        ("Ann Ann Lee", "Ann Lee", False),
    ],
)
def test_names(left: str, right: str, same: bool) -> None:
    assert same_name(left, right) == same
    assert same_name(right, left) == same
