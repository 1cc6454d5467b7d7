"""`pilot routes`."""

import click

from chalicelib.cli.output import print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.discovery import all_endpoints

COLUMNS = {"method": "Method", "path": "Path", "ability": "Ability", "area": "Area", "lambda": "Lambda"}


@click.command()
@click.option("--area", help="Only this area's.")
@on_stage
def routes(stage: Stage, area: str | None) -> None:
    """Every route: its method, path, ability, area and Lambda."""
    endpoints = [endpoint for endpoint in all_endpoints() if not area or endpoint.area == area]
    rows = [
        {
            "method": route.method,
            "path": route.path,
            "ability": route.ability or "public",
            "area": endpoint.area,
            "lambda": endpoint.function_name(stage.prefix),
            "handler": endpoint.handler,
            "idempotent": route.idempotent,
        }
        for endpoint in endpoints
        for route in endpoint.routes
    ]
    rows.sort(key=lambda row: (row["path"], row["method"]))
    print_table(rows, COLUMNS, as_json=stage.as_json, empty="No such routes.")
