"""The table `analytics`.

Access patterns
  which generation counts           pk `<company>#analytics`        sk `state`                              GetItem
  days of a branch, or of `all`     pk `<company>#<branch>#<gen>`   sk `day#2026-11-21`                     Query
  months of it, the sum of days     the same partition              sk `month#2026-11`                      Query
  what was counted for whom         pk `<company>#<appointment>`    sk `counted`                            GetItem
  searches of a branch, a month     pk `<company>#searches`         sk `2026-11#<branch>`, `d01` … `d31`    Query
  available minutes, a month        pk `<company>#available`        sk `2026-11#<branch>`, `d01` … `d31`    Query

Counters are attributes of their own, so that one UpdateItem adds to several and nobody has to read them first.
"""

from typing import Any, ClassVar, Self

from chalicelib.core.tables import Row, Table

OWN = frozenset({"version", "expires_at"})


class AnalyticsRow(Row):
    """A document of counters (every number that is not the row's own), or a record in `data`."""

    table: ClassVar[Table] = Table("analytics")
    numbers: dict[str, int]

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Self:
        """With its counters, whose names are not known beforehand."""
        row = super().from_raw_data(data)
        row.numbers = {name: int(value["N"]) for name, value in data.items() if "N" in value and name not in OWN}
        return row
