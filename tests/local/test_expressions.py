"""EventBridge's schedule expressions, as far as they are in use."""

from datetime import UTC, datetime

import pytest

from infra.local.expressions import parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(1 minute)", "2026-11-24T10:00:30", "2026-11-24T10:01:30"),
        ("rate(5 minutes)", "2026-11-24T23:58:00", "2026-11-25T00:03:00"),
        ("rate(2 days)", "2026-02-27T12:00:00", "2026-03-01T12:00:00"),
        ("cron(40 3 * * ? *)", "2026-11-24T03:39:59", "2026-11-24T03:40:00"),
        ("cron(40 3 * * ? *)", "2026-11-24T03:40:00", "2026-11-25T03:40:00"),
        ("cron(0/15 * * * ? *)", "2026-11-24T10:46:00", "2026-11-24T11:00:00"),
        ("cron(0 9-17/4 * * ? *)", "2026-11-24T13:30:00", "2026-11-24T17:00:00"),
        ("cron(0 8 ? * MON-FRI *)", "2026-11-20T09:00:00", "2026-11-23T08:00:00"),
        ("cron(0 8 ? * 1 *)", "2026-11-20T09:00:00", "2026-11-22T08:00:00"),
        ("cron(0 0 1 JAN,JUL ? *)", "2026-02-01T00:00:00", "2026-07-01T00:00:00"),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("cron(30 23 31 12 ? 2027)", "2026-01-01T00:00:00", "2027-12-31T23:30:00"),
    ],
)
def test_the_next_run(expression: str, after: str, expected: str) -> None:
    assert parse(expression).after(at(after)) == at(expected)


def test_a_year_that_has_passed_never_comes() -> None:
    assert parse("cron(0 0 1 1 ? 2020)").after(at("2026-01-01T00:00:00")) is None


@pytest.mark.parametrize(
    "expression",
    [
        "every minute",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "cron(* * * * *)",
        "cron(* * * * * *)",
        "cron(60 * * * ? *)",
        "cron(0 0 L * ? *)",
        "cron(0 0 ? * 6#3 *)",
        "cron(0/0 * * * ? *)",
        "cron(0 0 ? * MONDAY *)",
    ],
)
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(expression)
