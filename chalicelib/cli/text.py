"""`pilot text`: the metered chat sessions that run, and how one of them stands."""

from typing import Any

import click

from chalicelib.cli.output import Failed, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.clock import now
from chalicelib.identity.store import companies
from chalicelib.text_sessions import store, tick_job
from chalicelib.text_sessions.meter import Meter

COLUMNS = {
    "session": "Session",
    "company": "Company",
    "appointment": "Appointment",
    "state": "State",
    "started": "Started",
    "used": "Used",
    "remaining": "Left",
    "next_charge": "Next charge",
    "last_activity": "Last activity",
}


@click.group()
def text() -> None:
    """Text appointments: metered chat sessions."""


@text.command()
@click.argument("session", required=False)
@click.option("--running", is_flag=True, help="All sessions that run, of every company.")
@click.option("--company", help="Only this company's.")
@on_stage
def status(stage: Stage, session: str | None, running: bool, company: str | None) -> None:
    """How SESSION stands by the clock now (its id, or its appointment's), or all that are --running."""
    if running == bool(session):
        raise click.UsageError("Name a SESSION, or say --running.")
    stage.connect()
    found = [_one(session, company)] if session else list(tick_job.running())
    rows = [_row(meter) for meter in found if company in (None, meter.session.company_id)]
    print_table(rows, COLUMNS, as_json=stage.as_json, empty="No session runs.")


def _one(session_id: str, company: str | None) -> Meter:
    for company_id in [company] if company else (found.id for found in companies()):
        session = store.find_current_session(company_id, session_id) or store.find_session(company_id, session_id)
        if session:
            return Meter(session, store.get_account(company_id, session.subscription_id))
    raise Failed(f"There is no session {session_id}. Give its id (txs_…) or its appointment's (apt_…).")


def _row(stored: Meter) -> dict[str, Any]:
    meter = stored.run_to(now())
    session, active_at = meter.session, meter.session.last_activity_time
    ending = " (ending)" if session.is_active and session.notified_interval == session.interval else ""
    return {
        "session": session.id,
        "company": session.company_id,
        "appointment": session.appointment_id,
        "state": f"running{ending}" if session.is_active else str(session.end_reason),
        "started": session.start_time.isoformat(timespec="seconds"),
        "used": session.sessions_used,
        "remaining": meter.account.left,
        "next_charge": session.next_charge_at.isoformat(timespec="seconds") if session.is_active else None,
        "last_activity": active_at.isoformat(timespec="seconds") if active_at else None,
    }
