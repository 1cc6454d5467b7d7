"""Who belongs to which household, in DynamoDB."""

from chalicelib.core.tables import collection, encode
from chalicelib.core.unit import Unit
from chalicelib.crm.households.household import Member
from chalicelib.crm.tables import CrmRow


def members(company_id: str, household_id: str) -> list[Member]:
    """All of them; one Query."""
    return [row.model(Member) for row in collection(CrmRow, f"{company_id}#{household_id}")]


def put_member(unit: Unit, household_id: str, member: Member) -> None:
    """Let them belong to it, as what."""
    unit.put(CrmRow(f"{unit.company_id}#{household_id}", f"member#{member.person_id}", data=encode(member)))


def remove_member(unit: Unit, household_id: str, person_id: str) -> None:
    """Let them no longer belong to it."""
    unit.delete(CrmRow(f"{unit.company_id}#{household_id}", f"member#{person_id}"))
