"""What wakes people: dead letters, old messages, a late relay, failing answers."""

from typing import Any

from chalicelib.core.endpoints import Endpoint
from chalicelib.core.queues import DEAD, LANES
from chalicelib.core.settings import sqs_name
from infra.api_split import APIS
from infra.intrinsics import Resource, logical, named, queue_named
from infra.policies import function_name

MINUTE = 60
OLDEST_MESSAGE_SECONDS = 1_800
"""Twice the longest backoff of a job: older than that means that a queue is not worked off."""
ITERATOR_AGE_MS = 60_000
FAILING_SHARE = 0.02
TOPIC = "AlarmTopic"


def alarm_resources(endpoints: list[Endpoint], stage: str) -> dict[str, Resource]:
    """The topic, and an alarm for each queue, each dead-letter queue, the relay and each API."""
    resources = _topic()
    for name in LANES:
        resources[f"{logical(name)}DeadAlarm"] = _alarm(
            f"{sqs_name(name)}{DEAD}-depth",
            "Dead letters lie in the queue: its dead-letter consumer does not take them.",
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
            {"QueueName": queue_named(f"{name}{DEAD}")},
            above=0,
        )
        resources[f"{logical(name)}AgeAlarm"] = _alarm(
            f"{sqs_name(name)}-age",
            f"A message waits for over {OLDEST_MESSAGE_SECONDS // MINUTE} minutes.",
            ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum"),
            {"QueueName": queue_named(name)},
            above=OLDEST_MESSAGE_SECONDS,
        )
    for endpoint in endpoints:
        if endpoint.kind == "stream":
            resources[f"{logical(endpoint.name)}LateAlarm"] = _alarm(
                f"{endpoint.name}-iterator-age",
                "Events wait for the relay for over a minute.",
                ("AWS/Lambda", "IteratorAge", "Maximum"),
                {"FunctionName": named(function_name(endpoint))},
                above=ITERATOR_AGE_MS,
            )
    for api in APIS:
        resources[f"{logical(api)}ApiFailingAlarm"] = _alarm(
            f"{api}-api-5xx",
            f"More than {FAILING_SHARE:.0%} of the API's answers are failures of ours.",
            # API Gateway reports a 1 or a 0 for each request, so that the average is the rate.
            ("AWS/ApiGateway", "5XXError", "Average"),
            {"ApiName": named(api), "Stage": stage},
            above=FAILING_SHARE,
        )
    return resources


def _topic() -> dict[str, Resource]:
    return {
        # Not encrypted with alias/aws/sns: its key policy would shut CloudWatch out. Alarms hold names, no data.
        TOPIC: {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": named("alarms")}},
        "AlarmMail": {
            "Type": "AWS::SNS::Subscription",
            "Condition": "AlarmsByMail",
            "Properties": {"TopicArn": {"Ref": TOPIC}, "Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}},
        },
    }


def _alarm(
    name: str, description: str, metric: tuple[str, str, str], dimensions: dict[str, Any], *, above: float
) -> Resource:
    namespace, metric_name, statistic = metric
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": named(name),
            "AlarmDescription": description,
            "Namespace": namespace,
            "MetricName": metric_name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": statistic,
            "Period": 5 * MINUTE,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": above,
            # Queues and functions that nobody uses report nothing.
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": TOPIC}],
            "OKActions": [{"Ref": TOPIC}],
        },
    }
