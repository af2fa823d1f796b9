"""Commands that set a server up and run it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from clinicdesk.cli.commands import Options, Outcome, argument, command, first_line, from_server, on_server, open_for
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.permissions import Role

STAFF = (Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST)


@command(
    "serve",
    "serve the clinic's data to other desks and programs, by HTTP",
    argument("--host", default="127.0.0.1", metavar="H", help="the address to listen on (127.0.0.1)"),
    argument("--port", type=int, default=8000, metavar="N", help="the port to listen on (8000)"),
    argument("--demo", action="store_true", default=argparse.SUPPRESS, help="serve the demo clinic, for a trial"),
)
def serve(options: Options) -> Outcome:
    run = from_server("main", "run")
    run(options.host, options.port, _prepare_demo(options) if options.demo else options.data_dir)
    return Outcome({"ok": True}, "The server has ended.")


def _prepare_demo(options: Options) -> Path:
    """Bring the demo clinic's day to now, say who can sign in, and give its folder."""
    from clinicdesk.core.clock import utc_now
    from clinicdesk.core.keys import KEYRING_SETTING
    from clinicdesk.core.paths import data_dir
    from clinicdesk.features.demo.cast import DEMO_FOLDER
    from clinicdesk.features.demo.service import prepare
    from clinicdesk.opening import open_clinic

    if on_server():
        raise InvalidInput("demo_is_embedded")
    os.environ[KEYRING_SETTING] = "off"  # invented people need no keyring
    folder = data_dir(options.data_dir) / DEMO_FOLDER
    with open_clinic(folder) as clinic:
        accounts = prepare(clinic.database, utc_now()).accounts
    if not options.json:
        print("\n".join(f"{who.email:<14} {who.passphrase:<28} {who.name}, {who.role}" for who in accounts), flush=True)
    return folder


@command(
    "worker",
    "send what waits in the outbox and do the jobs that come again, for a server of several processes",
)
def worker(options: Options) -> Outcome:
    run = from_server("worker", "run")
    run(options.data_dir)
    return Outcome({"ok": True}, "The worker has ended.")


@command(
    "clinic set-up",
    "give a new clinic its name and time zone without a window: on a server, before anything else",
    argument("--name", required=True, metavar="N"),
    argument("--zone", required=True, metavar="Z", help="an IANA time zone such as Europe/Berlin"),
    argument("--country", default="", metavar="C", help="two letters (ISO 3166), for public holidays"),
)
def clinic_set_up(options: Options) -> Outcome:
    from clinicdesk.features.practitioners import service
    from clinicdesk.features.practitioners.schemas import SetUpClinic
    from clinicdesk.opening import operator

    request = SetUpClinic(options.name, options.zone, options.country)
    with open_for(options, create=True) as clinic, clinic.database.write(operator("command line")) as tx:
        made = service.set_up_clinic(tx, request)
    return Outcome({"ok": True, "name": made.name, "zone": made.zone}, f"{made.name} is set up.")


@command(
    "users add",
    "add an account; the first one makes a clinic's administrator without a window",
    argument("--role", required=True, choices=[role.value for role in STAFF]),
    argument("--email", required=True, metavar="E"),
    argument("--name", default="", metavar="N"),
    argument("--password-stdin", action="store_true", required=True, help="read the password from standard input"),
)
def users_add(options: Options) -> Outcome:
    from clinicdesk.features.users import service
    from clinicdesk.features.users.schemas import AddUser
    from clinicdesk.opening import operator

    request = AddUser(options.email, options.name or options.email, Role(options.role), first_line())
    with open_for(options, create=True) as clinic, clinic.database.write(operator("command line")) as tx:
        user = service.add_user(tx, request)
    facts = {"ok": True, "id": str(user.id), "email": user.email, "role": user.role.value}
    return Outcome(facts, f"{user.email} can sign in as {user.role.value}.")
