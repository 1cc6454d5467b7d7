"""Deploying: what is uploaded, asked for, told and refused. A small package stands for the large one."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import changes
from infra.changes import Deployment, DeploymentFailed
from infra.deploy import Destination, deploy, main
from tests.conftest import EmbeddedAws

PARAMETERS = {
    "Prefix": {"Type": "String", "Default": "small"},
    "CodeBucket": {"Type": "String"},
    "CodeKey": {"Type": "String"},
    "PublicUrl": {"Type": "String", "Description": "Where clients reach the API."},
    "OriginKeyA": {"Type": "String", "NoEcho": True},
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Prefix}-nested"}}}
KEPT = {
    "Type": "AWS::SSM::Parameter",
    "Properties": {"Type": "String", "Value": {"Fn::Sub": "${PublicUrl} ${OriginKeyA}"}},
}
UNKNOWN = {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY"}}}


def small(out: Path, nested: dict[str, Any]) -> Path:
    """A package of a root with one nested stack."""
    stack = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "area.json", "Parameters": {"Prefix": {"Ref": "Prefix"}}},
    }
    root = {
        "Parameters": PARAMETERS,
        "Resources": {"AreaStack": stack, "Kept": KEPT},
        "Outputs": {
            "Code": {"Value": {"Fn::Sub": "${CodeBucket}/${CodeKey}"}},
            "Url": {"Value": {"Ref": "PublicUrl"}},
            "Kept": {"Value": {"Fn::GetAtt": ["Kept", "Value"]}},
        },
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


def destination(aws: EmbeddedAws, session: boto3.Session) -> Destination:
    return Destination("small", f"packages-{aws.account}", "dev", session, aws.url)


def test_it_uploads_deploys_and_gives_the_outputs(aws: EmbeddedAws, session: boto3.Session, tmp_path: Path) -> None:
    said: list[str] = []
    given = {"Prefix": "small", "PublicUrl": "https://pilot.example"}
    out = small(tmp_path / "out", {"Queue": QUEUE})
    to, say = destination(aws, session), said.append
    outputs = deploy(out, to, given, say)
    assert outputs["Url"] == "https://pilot.example"
    bucket, key = outputs["Code"].split("/")
    assert session.client("s3", endpoint_url=aws.url).get_object(Bucket=bucket, Key=key)["Body"].read() == b"PK"
    assert any("AreaStack" in line for line in said)
    session.client("sqs", endpoint_url=aws.url).get_queue_url(QueueName="small-nested")
    # A second time nothing need be given: what was given stays.
    assert deploy(out, to, {}, say) == outputs


def test_the_distributions_key_is_made_up_once_and_replaced_when_another_is_given(
    aws: EmbeddedAws, session: boto3.Session, tmp_path: Path
) -> None:
    out = small(tmp_path / "out", {"Queue": QUEUE})
    to, say = destination(aws, session), lambda _: None
    given = {"Prefix": "small", "PublicUrl": "https://pilot.example"}
    url, made = deploy(out, to, given, say)["Kept"].split()
    assert url == "https://pilot.example"
    assert re.fullmatch("[0-9a-f]{64}", made)
    moved = deploy(out, to, {"PublicUrl": "https://other.example"}, say)
    assert moved["Kept"] == f"https://other.example {made}"
    replaced = deploy(out, to, {"OriginKeyA": "0" * 20}, say)
    assert replaced["Kept"] == f"https://other.example {'0' * 20}"


def test_the_command_ends_with_the_one_url(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = small(tmp_path / "out", {"Queue": QUEUE})
    command = ["--stage", "dev", "--out", str(out), "--endpoint", aws.url, "--region", "eu-central-1"]
    assert main([*command, "--prefix", "told", "--public-url", "https://pilot.example"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "PilotPractice answers at https://pilot.example"


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
        deploy(out, destination(aws, session), given, lambda _: None)


def test_indexes_come_and_go_one_at_a_time(aws: EmbeddedAws, session: boto3.Session, tmp_path: Path) -> None:
    said: list[str] = []
    to, say = destination(aws, session), said.append

    def put(name: str, *indexes: str) -> None:
        out = small(tmp_path / name, {"Queue": QUEUE})
        root = json.loads((out / "root.json").read_text())
        root["Resources"]["NotesTable"] = table(*indexes)
        (out / "root.json").write_text(json.dumps(root))
        given = {"Prefix": "small", "PublicUrl": "https://pilot.example"}
        assert deploy(out, to, given, say)["Url"] == "https://pilot.example"

    put("first", "a", "b")
    put("second", "c", "d", "e")
    lines = [line for line in said if "NotesTable" in line]
    assert lines == [
        *("adds by_c to NotesTable", "adds by_d to NotesTable", "adds by_e to NotesTable"),
        *("drops by_a from NotesTable", "drops by_b from NotesTable"),
    ]
    found = session.client("dynamodb", endpoint_url=aws.url).describe_table(TableName="small-notes")["Table"]
    assert {index["IndexName"] for index in found["GlobalSecondaryIndexes"]} == {"by_c", "by_d", "by_e"}
    said.clear()
    put("third", "c", "d", "e")
    assert "small is up to date" in said


def table(*indexes: str) -> dict[str, Any]:
    """A table with an index on each of these attributes."""
    described = [
        {"IndexName": f"by_{i}", "KeySchema": hash_key(i), "Projection": {"ProjectionType": "ALL"}} for i in indexes
    ]
    properties = {
        "TableName": {"Fn::Sub": "${Prefix}-notes"},
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in ("pk", *indexes)],
        "KeySchema": hash_key("pk"),
        "GlobalSecondaryIndexes": described,
    }
    return {"Type": "AWS::DynamoDB::Table", "Properties": properties}


def hash_key(name: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "HASH"}]


class Building:
    """DynamoDB, that builds an index while it is asked twice about it."""

    def __init__(self) -> None:
        self.descriptions = 0

    def describe_table(self, TableName: str) -> dict[str, Any]:
        self.descriptions += 1
        status = "ACTIVE" if self.descriptions > 2 else "CREATING"
        return {"Table": {"GlobalSecondaryIndexes": [{"IndexName": "by_c", "IndexStatus": status}]}}


def test_an_update_waits_until_indexes_are_built(
    aws: EmbeddedAws, session: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL_SECONDS", 0.01)
    said: list[str] = []
    client = session.client("cloudformation", endpoint_url=aws.url)
    template = json.dumps({"Resources": {"NotesTable": table("c")}, "Parameters": {"Prefix": {"Type": "String"}}})
    client.create_stack(
        StackName="waiting", TemplateBody=template, Parameters=[{"ParameterKey": "Prefix", "ParameterValue": "waiting"}]
    )
    client.get_waiter("stack_create_complete").wait(StackName="waiting", WaiterConfig={"Delay": 1})
    dynamodb = Building()
    Deployment(client, "waiting", "dev", said.append).wait_for_indexes(dynamodb)
    assert said == ["  waits until DynamoDB has built by_c of waiting-notes"]
    assert dynamodb.descriptions == 3


def test_without_a_package_there_is_nothing_to_deploy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "dev", "--out", str(tmp_path)]) == 2
    assert "python -m infra.package --stage dev" in capsys.readouterr().err
