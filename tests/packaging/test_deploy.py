"""Deploying: what is uploaded, asked for, told and refused. A small package stands for the large one."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.changes import DeploymentFailed
from infra.deploy import deploy, main
from tests.conftest import EmbeddedAws

PARAMETERS = {
    "Prefix": {"Type": "String", "Default": "small"},
    "CodeBucket": {"Type": "String"},
    "CodeKey": {"Type": "String"},
    "PublicUrl": {"Type": "String", "Description": "Where clients reach the API."},
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Prefix}-nested"}}}
UNKNOWN = {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY"}}}


def small(out: Path, nested: dict[str, Any]) -> Path:
    """A package of a root with one nested stack."""
    stack = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "area.json", "Parameters": {"Prefix": {"Ref": "Prefix"}}},
    }
    root = {
        "Parameters": PARAMETERS,
        "Resources": {"AreaStack": stack},
        "Outputs": {"Code": {"Value": {"Fn::Sub": "${CodeBucket}/${CodeKey}"}}, "Url": {"Value": {"Ref": "PublicUrl"}}},
    }
    area = {"Parameters": {"Prefix": {"Type": "String"}}, "Resources": nested}
    out.mkdir()
    (out / "root.json").write_text(json.dumps(root))
    (out / "area.json").write_text(json.dumps(area))
    (out / "deployment.zip").write_bytes(b"PK")
    return out


@pytest.fixture
def session(aws: EmbeddedAws) -> boto3.Session:
    """An operator of the account."""
    return boto3.Session(aws_access_key_id=aws.account, aws_secret_access_key="test", region_name="eu-central-1")


def test_it_uploads_deploys_and_gives_the_outputs(aws: EmbeddedAws, session: boto3.Session, tmp_path: Path) -> None:
    said: list[str] = []
    given = {"Prefix": "small", "PublicUrl": "https://pilot.example"}
    out = small(tmp_path / "out", {"Queue": QUEUE})
    where: dict[str, Any] = {"stage": "dev", "session": session, "endpoint": aws.url, "say": said.append}
    outputs = deploy(out, "small", f"packages-{aws.account}", given, **where)
    assert outputs["Url"] == "https://pilot.example"
    bucket, key = outputs["Code"].split("/")
    assert session.client("s3", endpoint_url=aws.url).get_object(Bucket=bucket, Key=key)["Body"].read() == b"PK"
    assert any("AreaStack" in line for line in said)
    session.client("sqs", endpoint_url=aws.url).get_queue_url(QueueName="small-nested")
    # A second time nothing need be given: what was given stays.
    assert deploy(out, "small", f"packages-{aws.account}", {}, **where) == outputs


def test_the_first_deployment_asks_for_what_has_no_default(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = small(tmp_path / "out", {"Queue": QUEUE})
    code = main(["--stage", "dev", "--out", str(out), "--endpoint", aws.url, "--region", "eu-central-1"])
    assert code == 1
    assert "needs the parameter PublicUrl: Where clients reach the API." in capsys.readouterr().err


def test_a_parameter_that_is_none_is_refused(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = small(tmp_path / "out", {"Queue": QUEUE})
    common = ["--stage", "dev", "--out", str(out), "--endpoint", aws.url, "--region", "eu-central-1"]
    assert main([*common, "--public-url", "https://p.example", "--parameter", "Nonsense=1"]) == 1
    assert "there is no parameter Nonsense" in capsys.readouterr().err
    assert main([*common, "--parameter", "Nonsense"]) == 1
    assert "write NAME=VALUE" in capsys.readouterr().err


def test_what_fails_is_told_with_its_reason(aws: EmbeddedAws, session: boto3.Session, tmp_path: Path) -> None:
    out = small(tmp_path / "out", {"Unknown": UNKNOWN})
    given = {"Prefix": "small", "PublicUrl": "https://pilot.example"}
    with pytest.raises(DeploymentFailed, match="AWS::Budgets::Budget"):
        deploy(
            out, "small", f"packages-{aws.account}", given,
            stage="dev", session=session, endpoint=aws.url, say=lambda _: None,
        )  # fmt: skip


def test_without_a_package_there_is_nothing_to_deploy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "dev", "--out", str(tmp_path)]) == 2
    assert "python -m infra.package --stage dev" in capsys.readouterr().err
