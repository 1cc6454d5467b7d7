"""The table `accounting`.

Access patterns
  an account of Fatture in Cloud    pk `<company>#fic`  sk `account#<account>`         GetItem
  the accounts of a company         the same partition, sk from `account#`             Query
  its credentials, sealed           pk `<company>#fic`  sk `connection#<connection>`   GetItem
  calls made of late, per company   pk `<company>#fic`  sk `quota#<FIC's company>`     with the connection
Beyond it: whose an account or a company of FIC's is (kinds `fic_account`, `fic_company`) and what a user is just
connecting (kind `fic_state`) in the directory.
"""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core.tables import Row, Table

ACCOUNTING = Table("accounting")


class AccountRow(Row):
    """An account, a connection or a quota.

    Of a connection only: `sealed` (its tokens, encrypted), and `lease` and `lease_until` (who renews them just now, and
    until when, in seconds since 1970). Of a quota only: the `slot` of time that calls are made in, `calls_left` in it,
    and `refused_until`, before which FIC wants no call.
    """

    table: ClassVar[Table] = ACCOUNTING
    sealed = UnicodeAttribute(null=True)
    lease = UnicodeAttribute(null=True)
    lease_until = NumberAttribute(null=True)
    slot = NumberAttribute(null=True)
    calls_left = NumberAttribute(null=True)
    refused_until = NumberAttribute(null=True)
