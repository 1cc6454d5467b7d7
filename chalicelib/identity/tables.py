"""The table `identity`.

Access patterns
  a company                        pk `<company>`          sk `company`                 GetItem
  a user                           pk `<company>#<user>`   sk `user`                    GetItem
  a user's password                pk `<company>#<user>`   sk `credential`              with the account
  a user's token                   pk `<company>#<user>`   sk `token#<token>`           GetItem
  an account: all of these three   pk `<company>#<user>`                                Query
  users of a company, oldest first by_company: company_id, created_at                   Query
  all companies, oldest first      by_company: "companies", created_at                  Query
Beyond it: login e-mails (kind `email`), tokens (kind `token`) and mailed links (kind `link`) in the directory, and
attempts to sign in (`attempts#<what>#<sha256>`, before any company is known) in the guards.
"""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from chalicelib.core.tables import Row, Table, index


class IdentityRow(Row):
    """A company, a user, a credential or a token. Only users and companies are in `by_company`; only tokens expire."""

    table: ClassVar[Table] = Table("identity", ttl=True)
    company_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    by_company = index("by_company", "company_id", "created_at")
