"""`python -m infra.deploy --stage dev|prod`: brings a package to an AWS account with CloudFormation and S3 alone."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.endpoints import PACKAGES
from infra import people_key
from infra.changes import Deployment, DeploymentFailed
from infra.dependencies import code_key, zip_name
from infra.index_updates import CannotUpdate, updates
from infra.package import STAGES
from infra.parameters import ORIGIN_KEYS
from infra.pipeline import ROOT
from infra.uploads import Bucket

Say = Callable[[str], None]


@dataclass(frozen=True)
class Destination:
    """A stage's stack, the bucket that keeps its packages, and where they are: `endpoint` is another AWS, such as the
    embedded one."""

    stack: str
    bucket: str
    stage: str
    session: boto3.Session
    endpoint: str | None = None

    def client(self, service: str, config: Config | None = None) -> Any:
        """A client of that AWS."""
        return self.session.client(service, endpoint_url=self.endpoint, config=config)


def deploy(out: Path, to: Destination, parameters: dict[str, str], say: Say = print) -> dict[str, str]:
    """Upload the package in `out` and make the stack what it describes; returns the stack's outputs.

    Parameters not given keep the values of the last deployment, or their defaults. Raises DeploymentFailed with the
    reasons, once CloudFormation has rolled back, and CannotUpdate before anything is changed.
    """
    # Virtual-hosted names do not resolve on an endpoint of one's own.
    style = Config(s3={"addressing_style": "path"}) if to.endpoint else None
    store = Bucket(to.client("s3", style), to.bucket, to.session.region_name)
    store.ensure()
    root = store.put_nested(out, to.endpoint)
    packages = [each for each in PACKAGES if code_key(each) in root["Parameters"]]
    code = {code_key(each): store.put_file(out / zip_name(each), "zip") for each in packages}
    say(f"uploaded to {to.bucket}: {', '.join(code.values())}")
    given = {**parameters, "CodeBucket": to.bucket, **code}
    deployment = Deployment(to.client("cloudformation"), to.stack, to.stage, say, ORIGIN_KEYS)
    deployed = deployment.template()
    people_key.ensure(to.client("ssm"), parameters.get("Prefix", to.stack), say)
    outputs: dict[str, str] = {}
    for update in updates(deployed, root):
        if deployed is not None:
            deployment.wait_for_indexes(to.client("dynamodb"))
        for change in update.changes:
            say(change)
        url = store.put_template(update.template, to.endpoint)
        outputs = deployment.run(url, update.template["Parameters"], given if update.new else {})
    return outputs


def _session(profile: str | None, region: str | None) -> boto3.Session:
    session = boto3.Session(profile_name=profile, region_name=region)
    if not session.region_name:
        raise DeploymentFailed("no region: give --region or set AWS_REGION")
    return session


def _own_bucket(session: boto3.Session, endpoint: str | None, prefix: str) -> str:
    account = session.client("sts", endpoint_url=endpoint).get_caller_identity()["Account"]
    return f"{prefix}-packages-{account}-{session.region_name}"


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--out", type=Path, help="the package; default out/<stage>")
    parser.add_argument("--prefix", help="begins every name; default pilot-<stage>")
    parser.add_argument("--bucket", help="keeps packages; made if missing; default <prefix>-packages-…")
    parser.add_argument("--public-url", help="where clients reach the API; default: the distribution's address")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="any other parameter")
    parser.add_argument("--region")
    parser.add_argument("--profile")
    parser.add_argument("--endpoint", help="another AWS, such as http://127.0.0.1:4566")
    return parser.parse_args(arguments)


def _parameters(given: argparse.Namespace, prefix: str) -> dict[str, str]:
    parameters: dict[str, Any] = {"Prefix": prefix}
    if given.public_url:
        parameters["PublicUrl"] = given.public_url
    for each in given.parameter:
        name, equals, value = each.partition("=")
        if not equals:
            raise DeploymentFailed(f"--parameter {each}: write NAME=VALUE")
        parameters[name] = value
    return parameters


def main(arguments: list[str] | None = None) -> int:
    """Deploy; returns the exit code."""
    given = _arguments(arguments)
    out = given.out or ROOT / "out" / given.stage
    prefix = given.prefix or f"pilot-{given.stage}"
    if not (out / "root.json").exists():
        print(f"nothing to deploy in {out}: run python -m infra.package --stage {given.stage}", file=sys.stderr)
        return 2
    try:
        session = _session(given.profile, given.region)
        bucket = given.bucket or _own_bucket(session, given.endpoint, prefix)
        to = Destination(prefix, bucket, given.stage, session, given.endpoint)
        outputs = deploy(out, to, _parameters(given, prefix))
    except (DeploymentFailed, CannotUpdate, BotoCoreError, ClientError) as error:
        print(f"not deployed: {error}", file=sys.stderr)
        return 1
    for name, value in sorted(outputs.items()):
        print(f"{name:<18} {value}")
    if "Url" in outputs:
        print(f"PilotPractice answers at {outputs['Url']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
