"""Finding what is declared: every `Function` under a package, and every endpoint of theirs."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from chalicelib.core.endpoints import Endpoint
from chalicelib.core.function import Function
from chalicelib.core.lanes import with_needs_of_jobs


def all_endpoints(package: str = "functions") -> list[Endpoint]:
    """Every endpoint under `package`, sorted by area and name; found by name, so that core depends on none of them."""
    endpoints = [endpoint for function in functions(package) for endpoint in function.endpoints]
    return sorted(with_needs_of_jobs(endpoints), key=lambda endpoint: (endpoint.area, endpoint.name))


def functions(package: str = "functions") -> list[Function]:
    """Every `Function` declared under `package`, each once, in the order of the modules."""
    values = (value for module in _modules(package) for value in vars(module).values())
    return list(dict.fromkeys(value for value in values if isinstance(value, Function)))


def _modules(package: str) -> Iterator[ModuleType]:
    root = import_module(package)
    for found in sorted(walk_packages(root.__path__, f"{package}."), key=lambda info: info.name):
        yield import_module(found.name)
