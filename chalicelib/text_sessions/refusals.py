"""Counting what is refused, by code."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from chalicelib.core import metrics
from chalicelib.core.errors import DomainError

P = ParamSpec("P")
T = TypeVar("T")


def counted(use_case: Callable[P, T]) -> Callable[P, T]:
    """The same use case, whose refusals are counted as `TextSessionError` by code."""

    @wraps(use_case)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return use_case(*args, **kwargs)
        except DomainError as error:
            metrics.count("TextSessionError", code=error.code)
            raise

    return wrapper
