"""Reading records: whatever is malformed never costs one, money is exact, and the older never overwrites the newer."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.accounting import parse_record
from chalicelib.accounting.record import Reading, Record, Resource, decide, decoded, deleted, read, resource_of
from chalicelib.accounting.record_store import pack
from chalicelib.core.money import major_units

SAMPLES = Path(__file__).parents[1] / "vendors" / "samples" / "fattureincloud"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FINITE = st.decimals(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = decoded((SAMPLES / f"{name}.json").read_bytes())
    return found


def got(resource: Resource, sent: Any, at: datetime = NOON) -> Reading:
    found = read("com_1", "fic_1", resource, sent, at)
    assert found
    return found


def test_the_documented_client() -> None:
    record = got("clients", {"id": 7, **sample("response.get_client")["data"]}).record
    assert (record.id, record.name, record.code) == (7, "Avv. Maria Rossi", "AE86")
    assert (record.vat_number, record.tax_code) == ("12345640962", "BLTGNI5ABCDA794E")
    assert (record.email, record.phone) == ("maria.rossi@example.com", "+391234567890")


def test_the_documented_document() -> None:
    sent = sample("response.get_issued_document")["data"] | {"type": "invoice"}
    record = got("invoices", sent).record
    assert (record.number, record.date, record.due_date) == ("1rec123", "2021-08-20", "2020-08-23")
    assert record.amounts is not None
    assert (record.amounts.net, record.amounts.vat, record.amounts.gross) == (6818, 682, 7500)
    assert (record.amounts.paid, record.amounts.currency, record.status) == (0, "EUR", "not_paid")
    assert (record.client_id, record.name, record.vat_number) == (54321, "Mary Red S.r.L.", "05432181211")
    assert (record.created, record.updated) == ("2021-08-13 09:30:20", "2021-08-23 05:34:20")


@pytest.mark.parametrize("resource", ["clients", "suppliers"])
def test_the_documented_lists(resource: Resource) -> None:
    for sent in sample(f"response.list_{resource}")["data"]:
        assert got(resource, sent).record.name


@given(sent=st.dictionaries(st.text(max_size=12), JSON, max_size=6), resource=st.sampled_from(["clients", "invoices"]))
def test_any_fields_make_a_record(sent: dict[str, Any], resource: Resource) -> None:
    assert got(resource, sent | {"id": 5}).record.id == 5


FIELDS = [*sample("response.get_issued_document")["data"], *sample("response.get_client")["data"]]


@given(field=st.sampled_from(sorted(set(FIELDS) - {"id"})), value=JSON)
def test_any_value_in_a_known_field(field: str, value: Any) -> None:
    for resource, name in (("clients", "response.get_client"), ("invoices", "response.get_issued_document")):
        sent = sample(name)["data"] | {"id": 5, field: value}
        found = got(resource, sent)  # type: ignore[arg-type]
        assert found.record.id == 5
        assert json.loads(found.text())  # and can be kept
        assert pack(found)


@pytest.mark.parametrize("number", [None, 0, -1, "x", 2**63, True, 1.5, [], {}, ""])
def test_without_an_id_there_is_no_record(number: Any) -> None:
    assert read("com_1", "fic_1", "clients", {"id": number, "name": "A"}, NOON) is None


@pytest.mark.parametrize(
    ("value", "currency", "units"),
    [
        (Decimal("68.18182"), "EUR", 6818), (Decimal("0.005"), "EUR", 1), (Decimal("-0.005"), "EUR", -1),
        (75, "EUR", 7500), ("12.30", "EUR", 1230), (1200, "JPY", 1200), (Decimal("1.2345"), "KWD", 1235),
        ("1.234,56", "EUR", None), (None, "EUR", None), (True, "EUR", None), (Decimal("NaN"), "EUR", None),
        (Decimal("1e99"), "EUR", None), (Decimal("Infinity"), "EUR", None), ({}, "EUR", None), ("", "EUR", None),
    ],
)  # fmt: skip
def test_money(value: Any, currency: str, units: int | None) -> None:
    assert parse_record.minor_units(value, currency) == units


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_there_and_back(units: int, currency: str) -> None:
    assert parse_record.minor_units(major_units(units, currency), currency) == units


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("IT 12345640962", "12345640962"), ("12345640962", "12345640962"), ("de-129273398", "DE129273398"),
        ("", None), (12345640962, "12345640962"), ("  ", None), ([], None),
    ],
)  # fmt: skip
def test_vat_numbers(said: Any, meant: str | None) -> None:
    assert parse_record.vat_number(said) == meant


def test_names_are_searched_without_accents() -> None:
    assert parse_record.folded("  Nicolò   D'ANGELO ") == "nicolo d'angelo"


def test_links_that_change_with_every_answer_make_no_difference() -> None:
    one, other = ({"id": 1, "name": "A", "url": url, "attachment_url": url} for url in ("a", "b"))
    assert got("invoices", one).record.hash == got("invoices", other).record.hash


def stored(sent: dict[str, Any], at: datetime = NOON) -> Record:
    return got("invoices", sent, at).record


def changed(old: dict[str, Any], new: dict[str, Any], later: timedelta) -> Record | None:
    found = decide(stored(old), got("invoices", new, NOON + later), old)
    return found.record if found else None


SOON, LATER = timedelta(seconds=30), timedelta(hours=1)
OLD = {"id": 1, "updated_at": "2026-03-01 10:00:00", "number": 1}


def test_what_is_the_same_is_not_written() -> None:
    assert changed(OLD, OLD, LATER) is None


def test_a_newer_reading_is_written() -> None:
    assert changed(OLD, OLD | {"number": 2}, SOON)
    assert changed(OLD, OLD | {"number": 2, "updated_at": "2026-03-01 10:00:01"}, -SOON)


def test_an_older_reading_is_not() -> None:
    assert changed(OLD, OLD | {"number": 2}, -SOON) is None
    assert changed(OLD, OLD | {"number": 2, "updated_at": "2026-03-01 09:59:59"}, SOON) is None
    assert changed(OLD, OLD | {"number": 2, "updated_at": None}, -SOON) is None


def test_when_clocks_go_back_the_later_reading_is_the_newer() -> None:
    assert changed(OLD, OLD | {"number": 2, "updated_at": "2026-03-01 09:10:00"}, LATER)


def test_what_a_list_leaves_out_stays() -> None:
    whole = OLD | {"items_list": [{"name": "Visit"}], "payments_list": [{"status": "paid", "amount": 5}]}
    short = OLD | {"items_list": None, "payments_list": None}
    assert changed(whole, short, LATER) is None
    assert changed(whole, short | {"updated_at": "2026-03-02 10:00:00"}, LATER)


def test_deleted_stays_deleted_unless_read_again_later() -> None:
    gone = deleted(stored(OLD), NOON + SOON)
    assert gone
    assert deleted(gone, NOON + LATER) is None
    assert deleted(stored(OLD), NOON - SOON) is None
    assert decide(gone, got("invoices", OLD, NOON), OLD) is None
    back = decide(gone, got("invoices", OLD, NOON + LATER), OLD)
    assert back
    assert back.record.deleted_at is None


def test_a_link_outlives_what_fic_says() -> None:
    linked = replace(stored(OLD), customer_id="cus_1", linked_by="email", version=4)
    after = decide(linked, got("invoices", OLD | {"number": 9}, NOON + LATER), OLD)
    assert after
    assert (after.record.customer_id, after.record.linked_by, after.record.version) == ("cus_1", "email", 5)


@pytest.mark.parametrize(
    ("payments", "status"),
    [
        (["paid", "paid"], "paid"), (["paid", "not_paid"], "partly_paid"), (["not_paid"], "not_paid"),
        (["reversed"], "reversed"), ([], None), ([5, None], None),
    ],
)  # fmt: skip
def test_an_invoices_status(payments: list[Any], status: str | None) -> None:
    sent = {"id": 1, "type": "invoice", "payments_list": [{"status": each} for each in payments]}
    assert got("invoices", sent).record.status == status


def test_a_document_is_what_its_type_says() -> None:
    assert resource_of({"type": "quote"}, "invoices") == "quotes"
    assert resource_of({"type": "proforma"}, "invoices") is None
    assert resource_of({}, "invoices") == "invoices"
    assert resource_of({"type": "person"}, "clients") == "clients"
