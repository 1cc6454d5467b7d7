"""A plugin of pytest for `make mutants`: what needs no AWS comes first, as most mutants fail one of those."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files stay together, and their order otherwise as it is."""
    items.sort(key=lambda item: "emulator" in getattr(item, "fixturenames", ()))
