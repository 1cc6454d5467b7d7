"""Mounts every endpoint on one Chalice app, for local emulation and for packaging; no Lambda runs this."""

from chalice.app import Chalice

from chalicelib.core.discovery import functions
from functions.identity.authorizer import bearer

app = Chalice("pilot", configure_logs=False)


def mount(target: Chalice, authorizer: object) -> None:
    """Register every `Function` under functions/ on `target`, with `authorizer` before all routes with an ability."""
    for function in functions():
        function.front = authorizer
        target.register_blueprint(function)


mount(app, bearer)
