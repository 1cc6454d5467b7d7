"""What a customer is billed by: tax numbers that the customer's own record does not have."""

import msgspec


class Billing(msgspec.Struct, frozen=True, kw_only=True):
    """Both as they are compared: letters and digits only (an Italian VAT number without IT)."""

    customer_id: str
    vat_number: str | None = None
    tax_code: str | None = None
    version: int = 1

    def marks(self) -> tuple[tuple[str, str], ...]:
        """Kind and number of each."""
        both = (("vat_number", self.vat_number), ("tax_code", self.tax_code))
        return tuple((kind, number) for kind, number in both if number)
