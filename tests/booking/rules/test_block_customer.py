"""Blocking: by all that is known of a customer, once, and never half of one."""

import msgspec
import pytest

from chalicelib.booking.rules import block_customer, limit_store
from chalicelib.booking.rules.blocklist import Block, known_by
from chalicelib.core import audit
from chalicelib.core.errors import Conflict, Invalid, NotFound
from chalicelib.core.idempotency import IdempotencyKey, kept_answer
from chalicelib.core.unit import Actor, Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.contact_points.holders import Holders
from chalicelib.crm.people import write
from chalicelib.crm.people.person import Person, points_of
from tests.booking.rules.salon import NOW
from tests.conftest import EmbeddedAws

CONTACT = Contact(name="Eve", phone="+491", email="eve@x.de")
EVE = Person(
    id="cus_eve", company_id="com", name="Eve", contact_points=points_of(CONTACT, "api", NOW), source="api",
    created_at=NOW, updated_at=NOW,
)  # fmt: skip
KNOWN = [("customer", "cus_eve"), ("phone", "+491"), ("email", "eve@x.de")]


def new_unit() -> Unit:
    return Unit("com", Actor("user", "usr_1"), clock=lambda: NOW)


def block(customer_id: str | None = None, reason: str = "", **contact: str) -> Block:
    return block_customer.block(
        new_unit, "com", customer_id, Contact(phone=contact.get("phone"), email=contact.get("email")), reason
    )


def history(record_id: str) -> list[tuple[str, dict[str, str]]]:
    """What was done to a record, by whom it is about."""
    return [(entry.action, entry.ids) for entry in audit.entries("com", record_id, limit=10, cursor=None).data]


@pytest.fixture
def eve(aws: EmbeddedAws) -> Person:
    """A customer with a phone and an e-mail address."""
    unit = Unit("com")
    made = write.add(unit, EVE, dict.fromkeys(contact_points.keys("com", CONTACT), Holders()))
    unit.commit()
    return made


@pytest.mark.parametrize("named", [{"customer_id": "cus_eve"}, {"phone": "+491"}, {"email": "eve@x.de"}])
def test_a_customer_is_blocked_by_all_that_is_known(eve: Person, named: dict[str, str]) -> None:
    made = block(reason="Rude", **named)
    assert made.id.startswith("blk_")
    assert (made.known_by(), made.reason, made.by, made.created_at) == (KNOWN, "Rude", "user:usr_1", NOW)
    assert limit_store.find_block("com", made.id) == made
    (entry,) = audit.entries("com", made.id, limit=10, cursor=None).data
    assert (entry.action, entry.actor, list(entry.fields)) == (
        "customer.blocked", "user:usr_1", ["customer_id", "phone", "email"],
    )  # fmt: skip
    assert entry.ids == {"customer": "cus_eve"}


def test_the_same_request_again_gets_the_same_answer(eve: Person) -> None:
    key = IdempotencyKey("PUT /api/blocklist", "k", "hash", 201, lambda answer: answer)

    def keyed() -> Unit:
        return Unit("com", clock=lambda: NOW, idempotency=key)

    made = block_customer.block(keyed, "com", EVE.id, Contact(), "")
    assert kept_answer("com", key, NOW) == (201, msgspec.json.encode(made))


def test_what_is_given_goes_before_what_is_known(eve: Person) -> None:
    assert block(customer_id=EVE.id, phone="+492", email="e@y.de").known_by() == [
        KNOWN[0],
        ("phone", "+492"),
        ("email", "e@y.de"),
    ]


def test_a_number_is_blocked_before_anyone_has_it(aws: EmbeddedAws) -> None:
    made = block(phone="+499")
    assert made.known_by() == [("phone", "+499")]
    assert history(made.id) == [("customer.blocked", {"customer": ""})]
    block_customer.unblock(new_unit, "com", made.id)
    assert history(made.id)[-1][1] == {"customer": ""}


def test_blocking_again_changes_nothing(eve: Person) -> None:
    made = block(phone="+491")
    for again in (block(customer_id=EVE.id), block(phone="+491"), block(email="eve@x.de", reason="Other")):
        assert again == made
    assert len(history(made.id)) == 1


def test_two_blocks_never_meet_in_one_customer(aws: EmbeddedAws) -> None:
    first = block(phone="+491")
    # More is known now than the block names.
    with pytest.raises(Conflict, match="remove it first") as refused:
        block(phone="+491", email="eve@x.de")
    assert refused.value.code == "blocked_in_part"
    assert refused.value.detail == "Another block names this customer in part; remove it first."
    block(email="eve@x.de")
    with pytest.raises(Conflict):
        block(phone="+491", email="eve@x.de")
    assert block(phone="+491") == first


def test_somebody_is_to_be_named_and_to_be_there(aws: EmbeddedAws) -> None:
    with pytest.raises(Invalid) as nobody:
        block()
    (fault,) = nobody.value.faults
    assert (fault.path, fault.code) == ("body.customer_id", "required")
    assert fault.message == "Give a customer, a phone number or an e-mail address."
    with pytest.raises(NotFound):
        block(customer_id="cus_gone")


def test_unblocking_is_done_once_and_audited(eve: Person) -> None:
    made = block(customer_id=EVE.id)
    block_customer.unblock(new_unit, "com", made.id)
    assert limit_store.blocks_at("com", KNOWN) == set()
    assert history(made.id) == [
        ("customer.blocked", {"customer": "cus_eve"}),
        ("customer.unblocked", {"customer": "cus_eve"}),
    ]
    with pytest.raises(NotFound) as gone:
        block_customer.unblock(new_unit, "com", made.id)
    assert gone.value.code == "block_not_found"
    assert gone.value.detail == f"There is no block {made.id}."
    assert block(customer_id=EVE.id).id != made.id


def test_who_unblocks_while_another_does_learns_that_it_is_done(eve: Person) -> None:
    made = block(customer_id=EVE.id)

    def while_another_does() -> Unit:
        block_customer.unblock(new_unit, "com", made.id)
        return new_unit()

    with pytest.raises(NotFound) as gone:
        block_customer.unblock(while_another_does, "com", made.id)
    assert gone.value.code == "block_not_found"


@pytest.mark.parametrize("name", ["phone", "email"])
def test_only_what_is_known_names_someone(name: str) -> None:
    named = {"phone": None, "email": None, name: "x"}
    assert known_by(None, **named) == [(name, "x")]
    assert known_by("", "", "") == []
    assert known_by("cus", "", None) == [("customer", "cus")]
