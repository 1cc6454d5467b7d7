"""`python -m infra.package --stage dev|prod [--out out/<stage>]`: templates and zips that a deployment needs."""

import argparse
import shutil
import sys
from pathlib import Path

from chalice.app import Chalice

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import PACKAGES, Endpoint, Package
from infra.api import WithoutLambda
from infra.api_split import Undecided
from infra.dependencies import CannotBuild, zip_name
from infra.functions import LOG_DAYS, EndpointsDiffer
from infra.limits import OverLimit, StackSize, check, measure, serialized, table
from infra.pipeline import ROOT
from infra.stacks import NameTooLong, stacks
from infra.zipping import Zip, write_package

STAGES = tuple(LOG_DAYS)


def write(app: Chalice, endpoints: list[Endpoint], stage: str, out: Path) -> tuple[list[StackSize], dict[Package, Zip]]:
    """Write `<stack>.json` for every stack and the zips into `out`; returns their figures. Raises OverLimit."""
    templates = stacks(app, endpoints, stage)
    sizes = [measure(name, template) for name, template in templates.items()]
    check(sizes)
    # Whatever lay there is of another package.
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for name, template in templates.items():
        (out / f"{name}.json").write_text(serialized(template))
    zips = {each: write_package(out / zip_name(each), endpoints, each) for each in PACKAGES}
    check(sizes, zips.values())
    return sizes, zips


def main(arguments: list[str] | None = None) -> int:
    """Make the package of the house; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    out = given.out or ROOT / "out" / given.stage
    from app import app

    try:
        sizes, zips = write(app, all_endpoints(), given.stage, out)
    except (OverLimit, CannotBuild, EndpointsDiffer, NameTooLong, Undecided, WithoutLambda) as error:
        print(f"not packaged: {error}", file=sys.stderr)
        return 1
    print(table(sizes, zips.values()))
    print(f"written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
