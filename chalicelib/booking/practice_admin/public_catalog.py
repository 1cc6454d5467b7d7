"""What customers who choose may see: published branches, services and staff and what each offers."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch, Offer, Service, Staff
from chalicelib.booking.practice.policy import resolved
from chalicelib.booking.practice_admin.compile_schedule import with_lengths
from chalicelib.booking.rules import deposits

R = TypeVar("R", Branch, Service, Staff)


class Published(msgspec.Struct, frozen=True):
    """Everything published of a company, or of one of its branches, which then says lengths and prices."""

    branches: list[Branch]
    services: list[Service]
    staff: list[Staff]

    def doing(self, service_id: str) -> list[Staff]:
        """Who does a service, or a part of a package."""
        parts = {part.service_id for service in self.services if service.id == service_id for part in service.parts}
        return [member for member in self.staff if (parts or {service_id}).intersection(member.service_ids)]

    def offering(self, service: Service) -> list[Branch]:
        """Where it can be had."""
        return [branch for branch in self.branches if self._offers(branch, service)]

    def deposit_of(self, service: Service) -> int:
        """What is to be paid before; on the branch's terms where there is one."""
        here = self.branches[0] if len(self.branches) == 1 else None
        terms = [here.offers.get(service.id, Offer()).policy] if here else []
        policy = resolved(*terms, service.policy, *([here.policy] if here else []))
        return deposits.due(policy)

    def services_of(self, member: Staff) -> list[str]:
        """What they do, of what is published."""
        return [service.id for service in self.services if service.id in member.service_ids]

    def branches_of(self, member: Staff) -> list[str]:
        """Where they work, of what is published."""
        return [branch.id for branch in self.branches if branch.id in member.hours]

    def _offers(self, branch: Branch, service: Service) -> bool:
        offer = branch.offers.get(service.id)
        if offer is not None and not offer.offered:
            return False
        here = {done for member in self.staff if branch.id in member.hours for done in member.service_ids}
        return here.issuperset(part.service_id for part in service.parts) if service.parts else service.id in here


def published(company_id: str, branch_id: str | None) -> Published:
    """What is published; of one branch one GetItem, of all three Queries. Raises NotFound for a branch that is not."""
    if branch_id is None:
        branches, services, staff = practice_store.practice(company_id)
        return Published(_open(branches), _open(with_lengths(services)), _open(staff))
    schedule = practice_store.get_schedule(company_id, branch_id, published=True)
    return Published([schedule.branch], _open(schedule.services), _open(schedule.staff))


def _open(records: Sequence[R]) -> list[R]:
    return [record for record in records if record.published]
