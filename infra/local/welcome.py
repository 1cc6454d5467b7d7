"""What `make run` prints once everything works."""

import json
import os
from typing import Any

from infra.local.environment import SECRETS, VENDORS, Surroundings

NAMES = {"retell": "Retell", "calcom": "Cal.com", "twilio": "Twilio", "fic": "Fatture"}
PAGES = {"fic": "/_sim/"}
"""Simulators with a page of their own."""


def welcome(around: Surroundings, demo: dict[str, Any], seconds: float) -> str:
    """URLs, the token and three commands to try."""
    token, api = demo.get("token", ""), around.api
    lines = [
        f"PilotPractice is up ({seconds:.1f} s). Ctrl-C stops it; its data stays in {around.folder}.",
        "",
        f"  API      {api}  ({api}/docs describes it)",
        f"  AWS      {around.aws}  (MiniStack)",
        *(f"  {NAMES[vendor]:<8} {_vendor(around, vendor)}" for vendor in VENDORS),
        f"  Logs     {around.folder / 'logs'}  (`pilot logs --follow`)",
        f"  Sign in  {demo.get('admin_email', '')} / {demo.get('admin_password', '')}",
        f"  Token    {token}",
        "",
        "Try:",
        f"  curl -H 'Authorization: Bearer {token}' {api}/api/appointments",
        f"  curl -H 'Authorization: Bearer {token}' {api}/api/calls",
        "  make demo-call",
        "  make demo-booking",
        "  make demo-missed-call",
        *_text_session(demo, api),
        "",
    ]
    return "\n".join(lines)


def _text_session(demo: dict[str, Any], api: str) -> list[str]:
    if not demo.get("text_appointment_id"):
        return []
    who = {"email": demo["patient_email"], "password": demo["admin_password"]}
    return [
        "",
        f"A text appointment has just begun: {demo['text_appointment_id']}, of {demo['patient_email']} with "
        f"{demo['doctor_email']} (same password).",
        f"  TOKEN=$(curl -s {api}/auth/login -H 'Content-Type: application/json' -d '{json.dumps(who)}' "
        "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"token\"])')",
        f'  curl {api}/api/text-appointments/start-session -H "Authorization: Bearer $TOKEN" '
        f"-H 'Content-Type: application/json' -d '{json.dumps({'appointment_id': demo['text_appointment_id']})}'",
        f'  curl {api}/api/text-appointments/{demo["text_appointment_id"]}/messages -H "Authorization: Bearer $TOKEN" '
        f"-H 'Content-Type: application/json' -d '{json.dumps({'text': 'Good morning'})}'",
        "  ./pilot text status --running",
    ]


def _vendor(around: Surroundings, vendor: str) -> str:
    if vendor in around.simulated:
        return f"{around.simulator(vendor)}{PAGES.get(vendor, '')}  (simulated: {SECRETS[vendor][0]} is not set)"
    missing = [name for name in SECRETS[vendor] if not os.environ.get(name)]
    lack = f"; {', '.join(missing)} is not, so it does not work as a whole" if missing else ""
    return f"the real one ({SECRETS[vendor][0]} is set{lack})"
