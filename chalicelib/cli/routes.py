"""`pilot routes`."""

import click

from chalicelib.cli.output import print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.doors import all_doors

COLUMNS = {"method": "Method", "path": "Path", "ability": "Ability", "area": "Area", "lambda": "Lambda"}


@click.command()
@click.option("--area", help="Only this area's.")
@on_stage
def routes(stage: Stage, area: str | None) -> None:
    """Every route: its method, path, ability, area and Lambda."""
    doors = [door for door in all_doors() if not area or door.area == area]
    rows = [
        {
            "method": route.method,
            "path": route.path,
            "ability": route.ability or "public",
            "area": door.area,
            "lambda": door.function_name(stage.prefix),
            "handler": door.handler,
            "idempotent": route.idempotent,
        }
        for door in doors
        for route in door.routes
    ]
    rows.sort(key=lambda row: (row["path"], row["method"]))
    print_table(rows, COLUMNS, as_json=stage.as_json, empty="No such routes.")
