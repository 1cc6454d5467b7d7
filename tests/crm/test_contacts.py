"""Phone numbers and e-mail addresses, as people write them where they are, and what they are kept as."""

import pytest

from chalicelib.core.errors import Invalid
from chalicelib.core.people import clean_email, shown_email
from chalicelib.core.phones import Phone, read_phone
from chalicelib.crm.contact_points.contact import Contact, RawContact, is_national, read_contact, read_what_can_be


@pytest.mark.parametrize(
    ("text", "country", "number", "extension"),
    [
        ("0151 23456789", "DE", "+4915123456789", None),
        ("(030) 1234567", "DE", "+49301234567", None),
        ("030/1234567-0", "DE", "+493012345670", None),
        ("0049 151 23456789", "DE", "+4915123456789", None),
        ("+49 (0)151 23456789", None, "+4915123456789", None),
        ("4915123456789", "DE", "+4915123456789", None),
        ("212-555-0111", "US", "+12125550111", None),
        ("(212) 555-0111", "US", "+12125550111", None),
        ("1 212 555 0111", "US", "+12125550111", None),
        ("06 1234567", "IT", "+39061234567", None),
        ("024 3825 1234", "VN", "+842438251234", None),
        ("p:+4915123456789", None, "+4915123456789", None),
        ("٠١٥١٢٣٤٥٦٧٨٩", "DE", "+4915123456789", None),
        ("+49 30 1234567 ext. 12", None, "+49301234567", "12"),
        ("+49 30 1234567 x12", None, "+49301234567", "12"),
        ("tel:+49-30-1234567;ext=12", None, "+49301234567", "12"),
        ("030 1234567 Durchwahl 12", "DE", "+49301234567", "12"),
        ("030 1234567 DW 12", "DE", "+49301234567", "12"),
        ("06 1234567 interno 12", "IT", "+39061234567", "12"),
        ("024 3825 1234 máy lẻ 12", "VN", "+842438251234", "12"),
    ],
)
def test_numbers_are_read_by_the_country(text: str, country: str | None, number: str, extension: str | None) -> None:
    assert read_phone(text, country, "phone") == Phone(number, extension)


@pytest.mark.parametrize(
    ("text", "country"), [("0151 23456789", None), ("12", "DE"), ("call me", "DE"), ("", "DE"), ("+1" * 40, None)]
)
def test_what_is_no_number(text: str, country: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        read_phone(text, country, "body.phone")
    assert refused.value.faults[0].path == "body.phone"


@pytest.mark.parametrize(
    ("text", "kept", "shown"),
    [
        ("Info@Zahnärzte-Müller.de", "info@xn--zahnrzte-mller-8hb40b.de", "info@zahnärzte-müller.de"),
        ("jo@faß.de", "jo@xn--fa-hia.de", "jo@faß.de"),
        ("jo@例え.テスト", "jo@xn--r8jz45g.xn--zckzah", "jo@例え.テスト"),
        ("jo@xn--mnchen-3ya.de", "jo@xn--mnchen-3ya.de", "jo@münchen.de"),
        (" Jo.O'Brien+x@Example.COM ", "jo.o'brien+x@example.com", "jo.o'brien+x@example.com"),
        ("a@b.co", "a@b.co", "a@b.co"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_addresses_are_kept_in_ascii_and_shown_as_written(text: str, kept: str, shown: str) -> None:
    assert clean_email(text, "email") == kept
    assert shown_email(kept) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("jo@example..com", "jo.@example.com", ".jo@example.com", "jo..x@example.com", "jo@.example.com"),
        *("jo@-x.com", "jo@x-.com", "jo@example", "jo@127.0.0.1", "@example.com", "jo@", "jo", "jo@exa mple.com"),
        *('"a b"@x.de', "müller@x.de", "jo@exa_mple.com", "jo@example.com.", "a" * 65 + "@x.de", "a@b@c.de"),
        *("jo@" + "b" * 64 + ".de", "jo@" + ".".join(["b" * 60] * 5) + ".de", "jo@exam\u202eple.com", "jo@ü..de"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid):
        clean_email(text, "email")


def test_a_contact_is_read_as_a_whole() -> None:
    raw = RawContact(name=" Ada  Keller ", phone=15123456789, email="ADA@example.com")
    assert read_contact(raw, "DE", "body") == Contact(
        name="Ada Keller", phone="+4915123456789", email="ada@example.com"
    )
    with pytest.raises(Invalid) as refused:
        read_contact(RawContact(name="a\x00", phone="what", email="x"), "DE", "body.customer")
    assert [fault.path for fault in refused.value.faults] == [f"body.customer.{f}" for f in ("phone", "name", "email")]


def test_what_stands_for_nothing_counts_as_not_given() -> None:
    assert read_contact(RawContact(name="None", phone="unknown", email="n/a"), "DE", "body") == Contact()
    some = read_what_can_be(RawContact(name="Ada", phone="what", email="x"), "DE")
    assert some == Contact(name="Ada")


def test_an_extension_makes_another_contact_point() -> None:
    plain, extended = Contact(phone="+49301234567"), Contact(phone="+49301234567", extension="12")
    assert plain.points != extended.points
    assert [kind for kind, _ in Contact(phone="+49301234567", email="a@b.co").points] == ["phone", "email"]


@pytest.mark.parametrize(
    ("text", "national"), [("0151", True), ("+49151", False), ("tel:+49151", False), (None, False), (15123, True)]
)
def test_which_numbers_need_a_country(text: str | int | None, national: bool) -> None:
    assert is_national(text) == national
