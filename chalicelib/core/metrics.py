"""Numbers for CloudWatch, written as embedded metrics into the log: nothing is sent, nothing waits."""

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "PilotPractice"


def count(name: str, **dimensions: str) -> None:
    """Count one of `name`, such as `UnknownWebhookEvent`, by its dimensions (vendor, event)."""
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=NAMESPACE) as metric:
        for key, value in dimensions.items():
            metric.add_dimension(name=key, value=value)
