"""What happens to persons."""

from chalicelib.core.events import Event


class CustomerCreated(Event):
    """A person was added, by hand or by a booking. `kind`: customer or lead."""

    customer_id: str
    source: str
    kind: str = "customer"


class CustomerChanged(Event):
    """A person's record is another: `fields` names what changed."""

    customer_id: str
    fields: tuple[str, ...]
    version: int


class CustomerDeleted(Event):
    """A person is no longer shown; `CustomerRestored` brings them back."""

    customer_id: str
    version: int


class CustomerRestored(Event):
    """A person who was deleted is shown again."""

    customer_id: str
    version: int


class LeadConverted(Event):
    """A lead has become a customer: the same record, with everything that leads to it."""

    customer_id: str
    status: str
    version: int


class LeadStatusChanged(Event):
    """A lead stands elsewhere in the pipeline. `kind`: open, won or lost."""

    customer_id: str
    status: str
    was: str
    kind: str
    version: int
