"""Pages: all of a list and nothing else, in order; a cursor opens only the list it came from."""

import base64
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pynamodb.exceptions import QueryError

from chalicelib.booking.tables import BookingRow
from chalicelib.core import pages
from chalicelib.core.errors import Invalid
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.rows import AuditRow
from tests.conftest import EmbeddedAws
from tests.sizes import examples

HISTORY = Listing(AuditRow, None, "pk", "sk")
BY_COMPANY = Listing(BookingRow, "by_company", "company_id", "starts_at")
TOTAL = 23


@pytest.fixture
def history(aws: EmbeddedAws) -> str:
    """A record's history of 23 entries, next to somebody else's; returns its partition."""
    with AuditRow.batch_write() as batch:
        for company in ("com_1", "com_2"):
            for number in range(TOTAL):
                row = AuditRow(f"{company}#rec_1", f"{number:03}", actor="a", correlation_id="c")
                row.action = f"{company} {'odd' if number % 2 else 'even'}"
                batch.save(row)
    return "com_1#rec_1"


@pytest.fixture
def bookings(aws: EmbeddedAws) -> str:
    """23 bookings of a company in an index, several at the same time, next to another company's."""
    with BookingRow.batch_write() as batch:
        for company in ("com_1", "com_2"):
            for number in range(TOTAL):
                row = BookingRow(f"{company}#apt_{number}", "appointment", company_id=company)
                row.starts_at = f"{number // 3:03}"
                batch.save(row)
    return "com_1"


def walk(where: Listing, value: str, limit: int, **options: Any) -> list[Any]:
    """All rows, page by page."""
    rows: list[Any] = []
    cursor = None
    for _ in range(100):
        found = page(where, value, limit=limit, cursor=cursor, selection=Selection(**options))
        assert len(found.data) <= limit
        rows += found.data
        cursor = found.next_cursor
        if cursor is None:
            return rows
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 5, 22, 23, 24, 100])
@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_hold_everything_once_and_in_order(history: str, limit: int, newest_first: bool) -> None:
    rows = walk(HISTORY, history, limit, newest_first=newest_first)
    expected = [f"{number:03}" for number in range(TOTAL)]
    assert [row.sk for row in rows] == (expected[::-1] if newest_first else expected)
    assert {row.pk for row in rows} == {history}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 23])
@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_of_an_index_hold_everything_once_even_at_the_same_time(
    bookings: str, limit: int, newest_first: bool
) -> None:
    rows = walk(BY_COMPANY, bookings, limit, newest_first=newest_first)
    assert sorted(row.pk for row in rows) == sorted(f"com_1#apt_{number}" for number in range(TOTAL))
    times = [row.starts_at for row in rows]
    assert times == sorted(times, reverse=newest_first)


@pytest.mark.parametrize("limit", [1, 3, 11, 12])
def test_a_filtered_list_has_full_pages_and_ends(history: str, limit: int) -> None:
    rows = walk(HISTORY, history, limit, only=AuditRow.action.contains("odd"))
    assert [row.sk for row in rows] == [f"{number:03}" for number in range(1, TOTAL, 2)]
    first = page(HISTORY, history, limit=limit, cursor=None, selection=Selection(only=AuditRow.action.contains("odd")))
    assert len(first.data) == min(limit, 11)


def test_a_range_is_paged_within_its_bounds(history: str) -> None:
    rows = walk(HISTORY, history, 2, between=AuditRow.sk.between("005", "011"))
    assert [row.sk for row in rows] == [f"{number:03}" for number in range(5, 12)]


def test_an_empty_list_is_one_empty_page(history: str) -> None:
    assert page(HISTORY, "com_1#rec_none", limit=5, cursor=None) == Page([], None)


def test_a_cursor_of_another_company_is_refused_or_opens_ones_own(history: str) -> None:
    theirs = page(HISTORY, "com_2#rec_1", limit=5, cursor=None).next_cursor
    with pytest.raises(Invalid) as refused:
        page(HISTORY, history, limit=5, cursor=theirs)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("query.cursor", "bad_cursor")]


def test_no_forged_cursor_shows_another_companys_rows(bookings: str) -> None:
    for parts in (["com_2#apt_3", "appointment", "001"], ["com_1#apt_3", "appointment", "001"], ["com_1", "x", "000"]):
        cursor = base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode()
        try:
            found = page(BY_COMPANY, bookings, limit=50, cursor=cursor)
        except Invalid:
            continue
        assert {row.company_id for row in found.data} <= {"com_1"}


def encoded(value: object) -> str:
    """Any JSON as a cursor would carry it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


SHORT = st.text(max_size=9)


@hypothesis_settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.lists(st.text(max_size=8), max_size=4).map(encoded)
    | st.tuples(st.sampled_from(["com_1#rec_1", "com_1#x", "com_2#rec_1", ""]), SHORT, SHORT).map(encoded)
)
def test_no_cursor_does_harm(history: str, cursor: str) -> None:
    refused = []
    for where, value in ((HISTORY, history), (BY_COMPANY, "com_1")):
        try:
            found = page(where, value, limit=5, cursor=cursor)
        except Invalid as error:
            refused.append(error.faults[0].code)
        else:
            assert all(row.pk.startswith("com_1#") for row in found.data)
    assert set(refused) <= {"bad_cursor"}


def test_a_place_that_dynamodb_refuses_is_a_bad_cursor_and_no_fault_of_ours(
    history: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB itself refuses a start outside the range that is asked for; the embedded one does not."""
    cursor = page(HISTORY, history, limit=5, cursor=None).next_cursor

    class Refused(QueryError):
        cause_response_code = "ValidationException"

    def refuse() -> Any:
        raise Refused("The provided starting key is outside query boundaries")
        yield

    monkeypatch.setattr(AuditRow, "query", lambda *args, **options: SimpleNamespace(page_iter=refuse()))
    with pytest.raises(Invalid):
        page(HISTORY, history, limit=5, cursor=cursor)
    with pytest.raises(QueryError):
        page(HISTORY, history, limit=5, cursor=None)


def test_a_page_keeps_its_cursor_when_its_rows_become_something_else() -> None:
    assert pages.Page([1, 2], "c").map(str) == Page(["1", "2"], "c")
