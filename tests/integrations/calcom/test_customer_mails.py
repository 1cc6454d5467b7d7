"""Where Cal.com mails customers, we do not."""

from infra.local.demo_practice import Practice
from tests.booking.test_customer_mails import Post, booked, change


def test_calcom_mails_its_own(through_calcom: Practice, post: Post) -> None:
    made = booked(through_calcom)
    change(made, "cancel")
    assert post.letters() == []
