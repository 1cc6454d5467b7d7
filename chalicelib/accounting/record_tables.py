"""The tables `records` and `syncing`.

Access patterns of `records`
  a record                             pk `<company>#<account>#<resource>`  sk `<FIC's id>`                GetItem
  how many there are, what they sum to pk `<company>#<account>#totals`      sk `<resource>#<currency>`     Query
  records by name (from a prefix)      by_name: company and resource, folded name                          Query
  documents by date, and of a status   by_date, by_status: company, resource (and status), date            Query
  records of a VAT number or tax code  by_vat, by_tax_code: company, resource and number, name             Query
  clients of an e-mail, of a phone     by_email, by_phone: company and address, name                       Query
  documents of a client                by_client: company, account, resource and client, date              Query
  clients of a customer                by_customer: company and customer, name                             Query
Indexes hold keys alone; a page of a list is one Query and one BatchGetItem. A deleted record is in none of them.

Access patterns of `syncing`
  a run, and what it has seen          pk `<company>#<account>#<resource>`  sk `run#<kind>`, `seen#<run>#<n>` Get, Query
  until when all is stored             the same partition                   sk `mark`                      GetItem
  events of a company, newest last     pk `<company>#events`                sk `<received>#<event>`        Query
  a subscription of an account         pk `<company>#<account>#subscriptions` sk `<group>`                 Query
  a document being made at FIC         pk `<company>#<appointment>`         sk `<account>#<resource>`      GetItem
  a customer's tax numbers             pk `<company>#<customer>`            sk `billing`                   GetItem
  customers with a tax number          pk `<company>#<kind>#<number>`       sk `customers`                 GetItem
"""

from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.core.tables import Row, Table, index


class RecordRow(Row):
    """A record (`data`) and FIC's document (`document`, compressed JSON), or what an account's records sum to."""

    table: ClassVar[Table] = Table("records")
    document = BinaryAttribute(null=True, legacy_encoding=False)
    folder = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    day = UnicodeAttribute(null=True)
    state = UnicodeAttribute(null=True)
    vat = UnicodeAttribute(null=True)
    tax_code = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    client = UnicodeAttribute(null=True)
    customer = UnicodeAttribute(null=True)
    records = NumberAttribute(null=True)
    net = NumberAttribute(null=True)
    vat_amount = NumberAttribute(null=True)
    gross = NumberAttribute(null=True)
    paid = NumberAttribute(null=True)
    by_name = index("by_name", "folder", "name", keys_only=True)
    by_date = index("by_date", "folder", "day", keys_only=True)
    by_status = index("by_status", "state", "day", keys_only=True)
    by_vat = index("by_vat", "vat", "name", keys_only=True)
    by_tax_code = index("by_tax_code", "tax_code", "name", keys_only=True)
    by_email = index("by_email", "email", "name", keys_only=True)
    by_phone = index("by_phone", "phone", "name", keys_only=True)
    by_client = index("by_client", "client", "day", keys_only=True)
    by_customer = index("by_customer", "customer", "name", keys_only=True)


class SyncRow(Row):
    """A run, the ids a full run has seen (`ids`, eight bytes each), a mark, an event, a subscription, a billing."""

    table: ClassVar[Table] = Table("syncing", ttl=True)
    ids = BinaryAttribute(null=True, legacy_encoding=False)
    status = UnicodeAttribute(null=True)
    customers = UnicodeSetAttribute(null=True)
