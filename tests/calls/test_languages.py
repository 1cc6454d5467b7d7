"""The catalogue is whole: every language says everything, with the same blanks, and understands what it says."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from chalicelib.booking.practice.models import Branch
from chalicelib.calls import language as catalogue
from chalicelib.calls.language import Language, language
from chalicelib.calls.speech import Voice, voice_of
from chalicelib.calls.spoken_times import understand

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
"""A Saturday."""
ALL = catalogue.codes()


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def entries(spoken: Language) -> dict[str, Any]:
    return msgspec.structs.asdict(spoken.phrases)


def voice(code: str) -> Voice:
    return Voice(language(code), BERLIN, NOW)


def test_the_four_are_there() -> None:
    assert {"de", "en", "it", "vi"} <= set(ALL)


@pytest.mark.parametrize("code", ALL)
def test_every_entry_is_there_with_the_blanks_of_english(code: str) -> None:
    english, spoken = language("en"), language(code)
    assert spoken.code == code
    for name, text in entries(spoken).items():
        reference = entries(english)[name]
        if isinstance(text, dict):
            assert set(text) == set(spoken.plurals), name
            assert all(blanks(form) <= blanks(reference["other"]) for form in text.values()), name
            assert all(form.strip() for form in text.values())
        else:
            assert blanks(text) == blanks(reference), name
            assert text.strip(), name
            assert code == "en" or text != reference, f"{name} is not translated"


@pytest.mark.parametrize("code", ALL)
def test_every_count_has_a_form(code: str) -> None:
    spoken = language(code)
    assert {spoken.plural(count) for count in range(1, 1000)} == set(spoken.plurals)


@pytest.mark.parametrize("code", ALL)
def test_every_word_of_the_calendar_is_known(code: str) -> None:
    words = language(code).vocabulary
    assert set(words.days.values()) == {0, 1, 2}
    assert set(words.weekdays.values()) == set(range(7))
    assert set(words.months.values()) == set(range(1, 13))
    assert set(words.numbers.values()) >= set(range(1, 13))
    assert words.later
    assert words.coming
    assert words.next_week
    assert words.noon
    assert words.before_noon
    assert words.after_noon


@pytest.mark.parametrize("code", ALL)
def test_what_is_said_is_understood(code: str) -> None:
    speaking = voice(code)
    for number in range(0, 380):
        at = datetime(2026, 11, 21, 8, tzinfo=BERLIN) + timedelta(days=number, minutes=75 * (number % 13))
        for said in (speaking.moment(at), speaking.on_moment(at)):
            understood = understand(said, code, date(2026, 11, 21))
            assert understood, said
            assert understood.day == at.date(), said
            assert understood.hour, said
            assert understood.hour.minute in (at.hour * 60 + at.minute, (at.hour - 12) * 60 + at.minute), said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "on Tuesday, December 1 at 3:30 PM"),
        ("de", "am Dienstag, 1. Dezember um 15:30 Uhr"),
        ("it", "martedì 1º dicembre alle ore 15:30"),
        ("vi", "lúc 15 giờ 30 thứ Ba, ngày 1 tháng 12"),
    ],
)
def test_a_moment_as_people_say_it(code: str, said: str) -> None:
    assert voice(code).on_moment(datetime(2026, 12, 1, 14, 30, tzinfo=UTC)) == said


@pytest.mark.parametrize(
    ("code", "today", "tomorrow", "next_year"),
    [
        (
            "en",
            "today, Saturday, November 21 at 12:00 PM",
            "tomorrow, Sunday, November 22 at 12:05 AM",
            "Friday, January 1, 2027 at 9:00 AM",
        ),
        (
            "de",
            "heute, Samstag, 21. November, um 12 Uhr",
            "morgen, Sonntag, 22. November, um 0:05 Uhr",
            "Freitag, 1. Januar 2027 um 9 Uhr",
        ),
        (
            "it",
            "oggi, sabato 21 novembre, alle ore 12",
            "domani, domenica 22 novembre, alle ore 0:05",
            "venerdì 1º gennaio 2027 alle ore 9",
        ),
        (
            "vi",
            "12 giờ hôm nay, thứ Bảy, ngày 21 tháng 11",
            "0 giờ 05 ngày mai, Chủ nhật, ngày 22 tháng 11",
            "9 giờ thứ Sáu, ngày 1 tháng 1 năm 2027",
        ),
    ],
)
def test_today_tomorrow_and_another_year(code: str, today: str, tomorrow: str, next_year: str) -> None:
    speaking = voice(code)
    assert speaking.moment(datetime(2026, 11, 21, 12, tzinfo=BERLIN)) == today
    assert speaking.moment(datetime(2026, 11, 22, 0, 5, tzinfo=BERLIN)) == tomorrow
    assert speaking.moment(datetime(2027, 1, 1, 9, tzinfo=BERLIN)) == next_year


@pytest.mark.parametrize(
    ("code", "one", "two"),
    [
        ("en", "You have one appointment: A.", "You have 2 appointments: A."),
        ("de", "Sie haben einen Termin: A.", "Sie haben 2 Termine: A."),
        ("it", "Ha un appuntamento: A.", "Ha 2 appuntamenti: A."),
        ("vi", "Quý khách có 1 lịch hẹn: A.", "Quý khách có 2 lịch hẹn: A."),
    ],
)
def test_plurals(code: str, one: str, two: str) -> None:
    speaking = voice(code)
    forms = speaking.phrases.appointments
    assert [speaking.counted(forms, count, appointments="A") for count in (1, 2)] == [one, two]


def test_a_taken_time_and_its_alternatives() -> None:
    times = [datetime(2026, 11, 23, hour, tzinfo=BERLIN) for hour in (9, 10, 11)]
    assert voice("de").taken(times[:1]) == (
        "Diese Zeit ist nicht frei. Ich könnte Ihnen anbieten: Montag, 23. November um 9 Uhr."
    )
    assert voice("it").taken(times).endswith(", lunedì 23 novembre alle ore 10 o lunedì 23 novembre alle ore 11.")
    assert voice("en").taken([]) == language("en").phrases.taken_alone


def test_free_times_are_said_by_day() -> None:
    times = [datetime(2026, 11, day, hour, tzinfo=BERLIN) for day in (23, 24) for hour in (9, 14)]
    assert voice("de").free("Massage", times) == (
        "Für Massage habe ich Montag, 23. November um 9 Uhr oder 14 Uhr; Dienstag, 24. November um 9 Uhr oder 14 Uhr."
    )


@pytest.mark.parametrize(("code", "spoken"), [("de-CH", "de"), ("IT", "it"), ("xx", "en"), ("../en", "en"), ("", "en")])
def test_what_is_not_spoken_is_said_in_english(code: str, spoken: str) -> None:
    branch = Branch(id="bra_1", company_id="com_1", name="B", zone="Europe/Berlin", hours=(), language=code)
    assert voice_of(branch, NOW).language.code == spoken


def test_only_the_language_in_use_is_loaded() -> None:
    program = (
        "import sys; from chalicelib.calls.agent import call_function; from chalicelib.calls.language import language; "
        "language('it'); print([name for name in sys.modules if name.startswith('chalicelib.calls.languages.')])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['chalicelib.calls.languages.it']"
