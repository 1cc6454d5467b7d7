"""The templates: accepted by cfn-lint, every path before its own Lambda, all there that operations rely on."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core.endpoints import PUBLIC, Endpoint
from chalicelib.core.queues import DEAD, LANES
from chalicelib.core.settings import settings, sqs_name
from infra.dependencies import code_key
from infra.resources import VISIBILITY_FACTOR, rows_by_table
from tests.packaging.conftest import Packaged
from tests.packaging.differences import differences

pytestmark = [pytest.mark.slow, pytest.mark.check]

TO_LAMBDA = "lambda:path/2015-03-31/functions/arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"


def _paths(package: Packaged) -> list[tuple[str, dict[str, Any]]]:
    """Every path with its methods, of all APIs."""
    return [entry for body in package.bodies().values() for entry in body["paths"].items()]


def lint(templates: Iterable[Path]) -> tuple[int, str]:
    """cfn-lint's exit code and what it says."""
    # W3002: TemplateURL is a file here; a deployment writes the address it uploaded it to.
    program = Path(sys.executable).with_name("cfn-lint")
    command = [str(program), "--ignore-checks", "W3002", "--", *map(str, templates)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_cfn_lint_finds_nothing_in_dev(dev: Packaged) -> None:
    assert lint(dev.out.glob("*.json")) == (0, "")


def test_cfn_lint_finds_nothing_in_what_is_other_in_prod(
    dev: Packaged, packaged: Callable[[str], Packaged], tmp_path: Path
) -> None:
    prod = packaged("prod")
    for name, template in prod.templates.items():
        found = differences(template, dev.templates.get(name, {"Resources": {}}))
        if found:
            (tmp_path / f"{name}.json").write_text(json.dumps(found))
    assert (tmp_path / "root.json").exists()
    assert lint(tmp_path.glob("*.json")) == (0, "")


def test_a_fault_of_prod_alone_is_found(dev: Packaged, packaged: Callable[[str], Packaged], tmp_path: Path) -> None:
    template = json.loads(json.dumps(packaged("prod").templates["streams"]))
    role = next(each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role")
    role["Properties"]["MaxSessionDuration"] = "an hour"
    (tmp_path / "streams.json").write_text(json.dumps(differences(template, dev.templates["streams"])))
    code, said = lint(tmp_path.glob("*.json"))
    assert code != 0
    assert "'an hour' is not of type 'integer'" in said


def test_every_method_and_path_has_its_own_lambda(dev: Packaged, endpoints: list[Endpoint]) -> None:
    expected = {
        (route.method.lower(), route.path): f"${{Prefix}}-{endpoint.area}-{endpoint.name}"
        for endpoint in endpoints
        for route in endpoint.routes
    }
    found = {}
    for path, operations in _paths(dev):
        for method_name, method in operations.items():
            integration = method["x-amazon-apigateway-integration"]
            if method_name == "options":
                assert integration["type"] == "mock"
                continue
            assert integration["type"] == "aws_proxy"
            assert TO_LAMBDA in integration["uri"]["Fn::Sub"]
            assert (method_name, path) not in found
            found[method_name, path] = integration["uri"]["Fn::Sub"].split(TO_LAMBDA)[1].removesuffix("/invocations")
    assert found == expected
    functions = [each["FunctionName"]["Fn::Sub"] for each in dev.resources("AWS::Lambda::Function")]
    assert set(found.values()) <= set(functions)


def test_there_is_a_lambda_for_each_endpoint_and_no_monolith(dev: Packaged, endpoints: list[Endpoint]) -> None:
    functions = list(dev.resources("AWS::Lambda::Function"))
    assert sorted(each["Handler"] for each in functions) == sorted(endpoint.handler for endpoint in endpoints)
    whole = json.dumps(dev.templates)
    assert "APIHandler" not in whole
    assert "AWS::Serverless" not in whole
    assert "Transform" not in whole


def test_a_lambda_is_as_its_endpoint_declares(dev: Packaged, endpoints: list[Endpoint]) -> None:
    declared = {endpoint.handler: endpoint for endpoint in endpoints}
    for function in dev.resources("AWS::Lambda::Function"):
        endpoint = declared[function["Handler"]]
        assert (function["MemorySize"], function["Timeout"]) == (endpoint.memory_mb, endpoint.timeout_seconds)
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["Code"] == {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": code_key(endpoint.package)}}
        variables = function["Environment"]["Variables"]
        assert variables["PILOT_STAGE"] == "dev"
        assert variables["PILOT_SECRETS_FROM"] == "ssm"
        assert "PILOT_QUEUE_BASE_URL" in variables
        named = {"Fn::Sub": "${Prefix}-files-${AWS::AccountId}-${AWS::Region}"}
        keeps_files = endpoint.needs.files() or endpoint.area == "files"
        assert variables.get("PILOT_FILES_BUCKET") == (named if keeps_files else None)
        assert variables.get("PILOT_VAULT_KEY") == ({"Ref": "VaultKeyArn"} if endpoint.needs.vault else None)


def test_only_those_who_declare_a_package_run_from_it(dev: Packaged) -> None:
    keys = {each["Handler"]: each["Code"]["S3Key"]["Ref"] for each in dev.resources("AWS::Lambda::Function")}
    assert {handler: key for handler, key in keys.items() if key != "CodeKey"} == {
        "functions.queues.image_compression.work_image_compression": "CodeKeyImages",
        "functions.queues.image_compression.work_image_compression_video": "CodeKeyVideo",
    }


def test_only_routes_with_an_ability_ask_the_authorizer(dev: Packaged, endpoints: list[Endpoint]) -> None:
    paths = dict(_paths(dev))
    for endpoint in endpoints:
        for route in endpoint.routes:
            security = paths[route.path][route.method.lower()]["security"]
            assert security == [*([] if route.ability == PUBLIC else [{"bearer": []}]), {"api_key": []}]
    for body in dev.bodies().values():
        front = body["securityDefinitions"]["bearer"]["x-amazon-apigateway-authorizer"]
        assert front["authorizerUri"]["Fn::Sub"].endswith("-identity-bearer/invocations")
        assert front["authorizerResultTtlInSeconds"] == 60


@pytest.mark.parametrize(("stage", "days"), [("dev", 30), ("prod", 365)])
def test_logs_are_kept_for_a_time(stage: str, days: int, packaged: Callable[[str], Packaged]) -> None:
    groups = {each["LogGroupName"]["Fn::Sub"]: each for each in packaged(stage).resources("AWS::Logs::LogGroup")}
    assert {each["RetentionInDays"] for each in groups.values()} == {days}
    names = [each["FunctionName"]["Fn::Sub"] for each in packaged(stage).resources("AWS::Lambda::Function")]
    assert set(groups) == {f"/aws/lambda/{name}" for name in names} | {"/aws/apigateway/${Prefix}"}


@pytest.mark.parametrize(("stage", "fate"), [("dev", "Delete"), ("prod", "Retain")])
def test_tables_are_safe(stage: str, fate: str, packaged: Callable[[str], Packaged]) -> None:
    root = packaged(stage).templates["root"]["Resources"]
    tables = {key: each for key, each in root.items() if each["Type"] == "AWS::DynamoDB::Table"}
    assert len(tables) == len(rows_by_table())
    for table in tables.values():
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == (fate, fate)
        properties = table["Properties"]
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["DeletionProtectionEnabled"] is (stage == "prod")
        rows = rows_by_table()[properties["TableName"]["Fn::Sub"].removeprefix("${Prefix}-")]
        assert ("TimeToLiveSpecification" in properties) is any(row.table.ttl for row in rows)
        assert ("StreamSpecification" in properties) is any(row.table.stream for row in rows)


def test_the_keys_and_indexes_of_all_rows_of_a_table_are_there(dev: Packaged) -> None:
    for table in dev.resources("AWS::DynamoDB::Table"):
        name = table["TableName"]["Fn::Sub"].removeprefix("${Prefix}-")
        expected = {index.Meta.index_name for row in rows_by_table()[name] for index in row._indexes.values()}
        indexes = {each["IndexName"] for each in table.get("GlobalSecondaryIndexes", [])}
        assert indexes == expected
        keys = [
            *table["KeySchema"],
            *(k for each in table.get("GlobalSecondaryIndexes", []) for k in each["KeySchema"]),
        ]
        defined = {each["AttributeName"] for each in table["AttributeDefinitions"]}
        assert defined == {key["AttributeName"] for key in keys}


def test_every_queue_has_a_dead_letter_queue(dev: Packaged, endpoints: list[Endpoint]) -> None:
    queues = {
        each["QueueName"]["Fn::Sub"].removeprefix("${Prefix}-"): each for each in dev.resources("AWS::SQS::Queue")
    }
    assert set(queues) == {sqs_name(lane) + end for lane in LANES for end in ("", DEAD)}
    timeouts = {
        sqs_name(endpoint.queue) + (DEAD if endpoint.dead else ""): endpoint.timeout_seconds
        for endpoint in endpoints
        if endpoint.kind == "queue"
    }
    ids = {
        key: each["Properties"]["QueueName"]["Fn::Sub"].removeprefix("${Prefix}-")
        for key, each in dev.templates["root"]["Resources"].items()
        if each["Type"] == "AWS::SQS::Queue"
    }
    for name, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["VisibilityTimeout"] == VISIBILITY_FACTOR * timeouts[name]
        if name.endswith(DEAD):
            assert queue["MessageRetentionPeriod"] == 14 * 86_400
        else:
            policy = queue["RedrivePolicy"]
            assert policy["maxReceiveCount"] == 20
            assert ids[policy["deadLetterTargetArn"]["Fn::GetAtt"][0]] == name + DEAD


def test_what_wakes_lambdas(dev: Packaged, endpoints: list[Endpoint]) -> None:
    mappings = list(dev.resources("AWS::Lambda::EventSourceMapping"))
    assert len(mappings) == sum(endpoint.kind in ("queue", "stream") for endpoint in endpoints)
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if mapping["EventSourceArn"] == {"Ref": "OutboxStreamArn"}:
            assert mapping["BisectBatchOnFunctionError"] is True
            assert 0 < mapping["MaximumRetryAttempts"] < 100
            assert 60 <= mapping["MaximumRecordAgeInSeconds"] <= 86_400
        else:
            assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
    expected = sorted(endpoint.schedule for endpoint in endpoints if endpoint.kind == "schedule")
    assert sorted(rule["ScheduleExpression"] for rule in dev.resources("AWS::Events::Rule")) == expected


def test_alarms(dev: Packaged) -> None:
    alarms: dict[tuple[str, str], dict[str, Any]] = {}
    for alarm in dev.resources("AWS::CloudWatch::Alarm"):
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        on = alarm["Dimensions"][0]["Value"]
        alarms[alarm["MetricName"], on.get("Fn::Sub", on.get("Ref"))] = alarm
    for name in map(sqs_name, LANES):
        assert ("ApproximateNumberOfMessagesVisible", f"${{Prefix}}-{name}{DEAD}") in alarms
        assert ("ApproximateAgeOfOldestMessage", f"${{Prefix}}-{name}") in alarms
    assert ("IteratorAge", "${Prefix}-streams-relay_outbox") in alarms
    for api in dev.bodies():
        assert ("5XXError", f"${{Prefix}}-{api}") in alarms


def test_the_api_throttles_logs_and_answers_in_our_shape(dev: Packaged) -> None:
    stages = list(dev.resources("AWS::ApiGateway::Stage"))
    assert len(stages) == len(dev.bodies())
    for stage in stages:
        (settings,) = stage["MethodSettings"]
        assert settings["ThrottlingRateLimit"] > 0
        assert settings["ThrottlingBurstLimit"] > 0
        assert "$context.requestId" in stage["AccessLogSetting"]["Format"]
        assert stage["TracingEnabled"] is True
    answers, *others = (body["x-amazon-apigateway-gateway-responses"] for body in dev.bodies().values())
    assert all(each == answers for each in others)
    statuses = {kind: answer.get("statusCode") for kind, answer in answers.items()}
    assert statuses["MISSING_AUTHENTICATION_TOKEN"] == "404"
    assert (statuses["UNAUTHORIZED"], statuses["ACCESS_DENIED"], statuses["THROTTLED"]) == ("401", "403", "429")
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "BAD_REQUEST_BODY", "REQUEST_TOO_LARGE"} <= set(answers)
    for answer in answers.values():
        headers = answer["responseParameters"]
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        body = json.loads(answer["responseTemplates"]["application/json"])
        assert {"type", "title", "detail", "code", "request_id"} <= set(body)


@pytest.mark.parametrize(("stage", "fate"), [("dev", "Delete"), ("prod", "Retain")])
def test_the_vault_has_a_key_that_is_rotated(stage: str, fate: str, packaged: Callable[[str], Packaged]) -> None:
    root = packaged(stage).templates["root"]["Resources"]
    assert (root["VaultKey"]["DeletionPolicy"], root["VaultKey"]["UpdateReplacePolicy"]) == (fate, fate)
    (key,) = packaged(stage).resources("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    (alias,) = packaged(stage).resources("AWS::KMS::Alias")
    assert alias["AliasName"]["Fn::Sub"].replace("${Prefix}", settings().prefix) == settings().vault_key
    assert alias["TargetKeyId"] == {"Ref": "VaultKey"}


@pytest.mark.parametrize(("stage", "fate"), [("dev", "Delete"), ("prod", "Retain")])
def test_files_lie_in_a_closed_bucket(stage: str, fate: str, packaged: Callable[[str], Packaged]) -> None:
    root = packaged(stage).templates["root"]["Resources"]
    assert (root["FilesBucket"]["DeletionPolicy"], root["FilesBucket"]["UpdateReplacePolicy"]) == (fate, fate)
    for bucket in packaged(stage).resources("AWS::S3::Bucket"):
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["BucketEncryption"]
    policies = list(packaged(stage).resources("AWS::S3::BucketPolicy"))
    assert len(policies) == 2
    for policy in policies:
        statement = policy["PolicyDocument"]["Statement"][0]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    longest = packaged(stage).templates["root"]["Parameters"]["Prefix"]["MaxLength"]
    assert len("x" * longest + "-files-123456789012-ap-southeast-99") <= 63
