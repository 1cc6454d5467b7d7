"""What happens to the books; ids only."""

from chalicelib.core.events import Event


class AccountConnected(Event):
    """A company of Fatture in Cloud was connected, for the first time or again."""

    account_id: str


class AccountDisconnected(Event):
    """An account was given up; its credentials are destroyed, its records stay."""

    account_id: str


class CredentialsRefused(Event):
    """Fatture in Cloud no longer takes the credentials of these accounts: a person has to connect them again."""

    connection_id: str
    account_ids: tuple[str, ...]
