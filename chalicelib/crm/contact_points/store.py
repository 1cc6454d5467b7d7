"""Who has which contact point, in DynamoDB."""

from collections.abc import Mapping
from typing import Any

from chalicelib.core.errors import Conflict
from chalicelib.core.personal import digest
from chalicelib.core.tables import Key, encode
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact, PointKind
from chalicelib.crm.contact_points.holders import MOST_HOLDERS, Holder, Holders
from chalicelib.crm.tables import CrmRow

Rows = Mapping[Key, Any]


def key(company_id: str, kind: PointKind, value: str) -> Key:
    """Where it says who has this phone number (with its extension) or e-mail address."""
    return Key(CrmRow, f"{company_id}#{kind}#{digest(company_id, kind, value)}", "holders")


def keys(company_id: str, contact: Contact) -> list[Key]:
    """The same of each point of a contact, for a fetch together with other rows; the phone first."""
    return [key(company_id, kind, value) for kind, value in contact.points]


def holders_of(row: Any) -> Holders:
    """The holders in a fetched row; nobody where there is none."""
    if row is None:
        return Holders()
    return Holders(row.model(tuple[Holder, ...]), int(row.version))


def save(unit: Unit, at: Key, holders: Holders) -> None:
    """Write their next version; the unit ends as Stale when someone else was faster.

    Raises Conflict `too_many_share` when more than sixty persons would share it.
    """
    if len(holders.all) > MOST_HOLDERS:
        raise Conflict("too_many_share", f"More than {MOST_HOLDERS} persons share this phone number or e-mail address.")
    row = CrmRow(at.pk, at.sk, version=holders.version, data=encode(holders.all))
    if holders.version == 1:
        unit.add(row)
    else:
        unit.put(row, CrmRow.version == holders.version - 1)
