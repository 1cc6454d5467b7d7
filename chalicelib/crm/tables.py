"""The table `crm`.

Access patterns
  a person by id                       pk `<company>#<person>`             sk `person`                        GetItem
  who has a phone number, an e-mail    pk `<company>#phone#<digest>`       sk `holders` (also guards it)      GetItem
  customers, leads, deleted ones       by_list: listed `<company>#<kind>`, created_at                         Query
  persons by a word of their name,     pk `<company>#find#<facet>`         sk `<code or time>#<person>`       Query
    phone digits, e-mail, or a filter
  what a person is found by            pk `<company>#<person>`             sk `found_by`                      GetItem
  members of a household               pk `<company>#<household>`          sk `member#<person>`               Query
  a person by the old system's number  pk `<company>#number#<number>`      sk `number`                        GetItem
"""

from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from chalicelib.core.tables import Row, Table, index


class CrmRow(Row):
    """A person, or what leads to one.

    Of a person, `sealed` holds all personal values, encrypted under the key in `wrapped`, and `data` the rest.
    `household_id` is an attribute, since another person's joining sets it.
    """

    table: ClassVar[Table] = Table("crm")
    person_id = UnicodeAttribute(null=True)
    listed = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    household_id = UnicodeAttribute(null=True)
    sealed = BinaryAttribute(null=True, legacy_encoding=False)
    wrapped = BinaryAttribute(null=True, legacy_encoding=False)
    by_list = index("by_list", "listed", "created_at")
