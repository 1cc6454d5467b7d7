"""The table `crm`.

Access patterns
  a customer by id                    pk `<company>#<customer>`       sk `customer`                       GetItem
  a customer by phone, by e-mail      pk `<company>#phone#<number>`   sk `customer` (also keeps it unique) GetItem
  customers of a company, newest last by_company: company_id, created_at                                   Query
"""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from chalicelib.core.tables import Row, Table, index


class CrmRow(Row):
    """A customer, or (with `customer_id` alone) the claim of a phone number or e-mail within the company."""

    table: ClassVar[Table] = Table("crm")
    customer_id = UnicodeAttribute(null=True)
    company_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    by_company = index("by_company", "company_id", "created_at")
