"""In which country a national phone number is read: that of the branch it was said to."""

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.crm.contact_points.contact import Contact, RawContact, is_national, read_contact


def contact_at(company_id: str, branch_id: str | None, raw: RawContact, path: str) -> Contact:
    """The contact as it is meant at a branch; None: at any of the company's, where all are in one country.

    No request, but for a national number at a branch that this process has not met. Raises Invalid, and NotFound for a
    branch that is not there.
    """
    country = None
    if is_national(raw.phone):
        country = _country(company_id, branch_id) if branch_id else company_country(company_id)
    return read_contact(raw, country, path)


def company_country(company_id: str) -> str | None:
    """The country of all branches; None where there are several, or none. One Query."""
    countries = {one.country for one in practice_store.all_of(Branch, company_id) if not one.deleted_at}
    return countries.pop() if len(countries) == 1 else None


def _country(company_id: str, branch_id: str) -> str:
    known = branch_context.seen(company_id, branch_id) or branch_context.fresh(company_id, branch_id)
    return known.branch.country
