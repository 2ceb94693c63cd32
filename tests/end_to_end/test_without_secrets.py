"""After all other tests: nothing that the runs have written, and nothing that shows them, has a secret or a payload.

Each search also has to find an expected text that is not a secret, so that the search can fail.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import pytest
import requests

from ci_operators.airflow_plugin.versions import HAS_RETRY_POLICIES
from local_airflow.airflow_server import DATABASE, LEDGER
from local_airflow.environment import load_keys
from simulator import Fault
from simulator.okta.service_app import CLIENT_ID, ServiceApp, make_key_pair
from simulator.settings import Tokens
from tests.end_to_end.conftest import LEDGER_PASSWORD, Installation, MakeTenant
from tests.end_to_end.surfaces import (
    NOT_ASKED,
    Text,
    airflow_rest,
    find,
    logs,
    page_routes,
    pages,
    processes,
    staged_files,
    staged_names,
    staged_records,
    tables,
)
from tests.end_to_end.tenant import PAYLOAD_MARK, STAGES, Tenant, events, ids, okta_event, wait_for
from tests.end_to_end.test_pages_access import log_in
from tests.vendor_cases import SECRETS

pytestmark = pytest.mark.airflow

TOKENS = (*SECRETS, "wrong-token-of-somebody", LEDGER_PASSWORD)
PERSON = "jane.doe@example.com"
#: Answers that show an event to users who can read the connector's runs: these have the payload on purpose.
SHOW_EVENTS = {"/api/run/record", "/api/explain"}
#: Reports the progress of a Connection test to the caller who has its number.
WANTS_A_HEADER = "/api/v2/connections/enqueue-test 422"
FORMS = {"form": ("csv", "json"), "what": ("days", "reasons", "indicators", "techniques")}
NAMES = re.compile(r"((extract|filter|map|validate|submit)(\.(dropped|quarantined))?|[0-9a-f]{16})\.jsonl\.zst")


@dataclass(frozen=True)
class FullRun:
    """A run in which an event is delivered, dropped and quarantined, of a connector that signs in by OAuth."""

    tenant: Tenant
    run_id: str
    secrets: tuple[str, ...]
    processes: tuple[Text, ...]

    @property
    def forbidden(self) -> tuple[str, ...]:
        """Texts that may only be in artifacts and in the pages that show an event."""
        return (*self.secrets, PAYLOAD_MARK, PERSON)


@pytest.fixture(scope="module")
def full_run(installation: Installation, make_tenant: MakeTenant) -> FullRun:
    """The run during which the processes were read: extract had its token and was waiting for Okta."""
    pair = make_key_pair()
    at = installation.initial_import("by-app").end - timedelta(hours=1)
    person = {"displayName": PERSON, "alternateId": PAYLOAD_MARK}
    odd = [okta_event("dropped", at, actor=None), okta_event("quarantined", at, actor=person)]
    tenant = make_tenant(
        "by-app",
        okta_events=[*events("event", at, 3, timedelta(seconds=1)), *odd],
        tokens=Tokens(okta={}, okta_apps=(ServiceApp(CLIENT_ID, pair.public_key),)),
    )
    extra = {"auth": "oauth2", "client_id": CLIENT_ID, "private_key": pair.private_pem}
    body = {"connection_id": "by-app_source", "conn_type": "okta", "host": tenant.simulator.url}
    tenant.api.request("PATCH", "/connections/by-app_source", json={**body, "extra": json.dumps(extra)})
    tenant.simulator.program(Fault("okta", "slow", seconds=20, skip=1))
    tenant.enable()
    wait_for(lambda: any(entry.fault for entry in tenant.simulator.requests), "extract to ask for events")
    seen = tuple(text for what in ("cmdline", "environ") for text in processes(installation, what))
    run_id = tenant.first_scheduled()
    assert tenant.outcome(run_id) == "success"
    assert tenant.sent == ids("event", range(3))
    return FullRun(tenant, run_id, _secrets(installation, tenant, pair.private_pem), seen)


def _secrets(installation: Installation, tenant: Tenant, private_pem: str) -> tuple[str, ...]:
    """Return all secrets that the run has used. The key is split into lines, since forms remove the line breaks."""
    tokens, assertions = tenant.simulator.okta_access_tokens, tenant.simulator.okta_assertions
    assert tokens, "there was no access token"
    assert assertions, "nobody signed in"
    keys = load_keys(installation.settings.folder / "keys.json")
    own = (keys.admin_password, keys.fernet_key, keys.jwt_secret, keys.api_secret)
    return (*TOKENS, *tokens, *assertions, *private_pem.splitlines()[1:-2], *own)


@pytest.fixture(scope="module")
def session(installation: Installation) -> requests.Session:
    """A user with all permissions."""
    return log_in(installation, "admin")


def test_no_log_shows_a_secret_or_a_payload(installation: Installation, full_run: FullRun) -> None:
    found = list(logs(installation))
    assert find(["Window ["], found), "the tasks' logs lie elsewhere"
    assert find(full_run.forbidden, found) == {}


@pytest.mark.parametrize("database", [DATABASE, LEDGER])
def test_no_table_shows_a_secret_or_a_payload(installation: Installation, full_run: FullRun, database: str) -> None:
    found = list(tables(installation.address.postgres, database))
    # XComs, rendered fields, state stores, the audit log and Connections. The ledger keeps whole quarantined events.
    own, forbidden, beside = {
        DATABASE: ({"xcom", "task_instance", "log", "connection"}, full_run.forbidden, full_run.run_id),
        LEDGER: ({"quarantine", "batch"}, full_run.secrets, PERSON),
    }[database]
    assert own <= {table for table, _ in found}
    assert find([beside], found)
    assert find(forbidden, found) == {}


def test_names_in_the_staging_area_reveal_nothing(installation: Installation, full_run: FullRun) -> None:
    found = list(staged_names(installation))
    assert find([full_run.tenant.dag_id], found)
    assert find([*full_run.forbidden, "198.51.100.", "event-0"], found) == {}
    assert [path.name for path in staged_files(installation) if not NAMES.fullmatch(path.name)] == []


def test_artifacts_hold_payloads_and_no_secret(installation: Installation, full_run: FullRun) -> None:
    found = list(staged_records(installation))
    assert find([PERSON], found)
    assert find(full_run.secrets, found) == {}


def test_others_of_the_machine_read_no_file(installation: Installation, full_run: FullRun) -> None:
    paths = [path for path in installation.settings.folder.rglob("*") if not path.is_symlink()]
    assert len(paths) > 50
    # PostgreSQL under root traverses the folder as another user, but cannot list it.
    assert {str(path): oct(path.stat().st_mode) for path in paths if path.stat().st_mode & 0o066} == {}
    assert [path for path in paths if path.is_file() and path.stat().st_mode & 0o077] == []
    assert full_run.run_id


@pytest.mark.parametrize("event_id", ["event-0", "dropped", "quarantined"])
def test_no_page_shows_a_secret(
    installation: Installation, full_run: FullRun, session: requests.Session, event_id: str
) -> None:
    asked = {"dag_id": full_run.tenant.dag_id, "run_id": full_run.run_id, "event_id": event_id, "q": event_id}
    asked |= {"connector": "by-app", "limit": "50"}
    asked |= dict.fromkeys(("since", "until", "cursor", "fate", "code", "stage", "search", "indicator", "place"), "")
    found = list(pages(session, installation.address.url, asked, FORMS))
    assert set(page_routes()) >= SHOW_EVENTS
    assert find(["by-app"], found)
    assert set(find([PAYLOAD_MARK], found)) <= SHOW_EVENTS
    assert find(full_run.secrets, found) == {}


def test_airflows_own_rest_shows_no_secret(
    installation: Installation, full_run: FullRun, session: requests.Session
) -> None:
    found = list(airflow_rest(session, installation.address.url, _known(full_run)))
    assert find([full_run.run_id], found)
    shown = find([CLIENT_ID], found)  # beside the private key in the Connection
    assert {place.split()[0].rpartition("/")[2] for place in shown} >= {"by-app_source", "connections"}
    wrong = [place for place, _ in found if place.endswith((" 422", " 500"))]
    assert wrong == ([WANTS_A_HEADER] if HAS_RETRY_POLICIES else [])
    assert find(full_run.forbidden, found) == {}


def _known(run: FullRun) -> dict[str, tuple[str, ...]]:
    """Return the values of each path parameter; a new parameter of Airflow fails here."""
    first, assets = ("1",), run.tenant.api.list_all("/assets", "assets", name_pattern=run.tenant.dag_id)
    return {
        **{"dag_id": (run.tenant.dag_id,), "dag_run_id": (run.run_id,), "task_id": STAGES, "map_index": ("-1",)},
        **dict.fromkeys(("task_try_number", "try_number", "version_number", "event_log_id"), first),
        **{"import_error_id": first, "pool_name": ("default_pool",), "xcom_key": ("return_value",)},
        **{"connection_id": ("by-app_source", "by-app_recorded_future", "collective_insights_ledger")},
        **{"interval": first, "key": ("watermark",), "asset_id": tuple(str(asset["id"]) for asset in assets)},
    }


def test_no_path_with_our_ids_is_skipped() -> None:
    assert not set(NOT_ASKED) & {"dag_id", "dag_run_id", "task_id", "connection_id", "xcom_key"}


@pytest.fixture
def seen(full_run: FullRun) -> tuple[list[Text], list[Text]]:
    """Command lines and environments of all processes while extract was running."""
    lines = [text for text in full_run.processes if text[0].endswith("cmdline")]
    return lines, [text for text in full_run.processes if text[0].endswith("environ")]


def test_no_process_shows_a_secret_in_its_command_line(full_run: FullRun, seen: tuple[list[Text], list[Text]]) -> None:
    lines, _ = seen
    assert len(find(["airflow"], lines)) > 3
    assert find(full_run.forbidden, lines) == {}


def test_no_environment_holds_a_vendors_secret(
    installation: Installation, full_run: FullRun, seen: tuple[list[Text], list[Text]]
) -> None:
    """It has Airflow's own keys, which Airflow reads from there. Only the same user can read an environment."""
    _, environments = seen
    keys = load_keys(installation.settings.folder / "keys.json")
    own = {keys.fernet_key, keys.jwt_secret, keys.api_secret}
    assert find([keys.fernet_key], environments)
    assert find([secret for secret in full_run.secrets if secret not in own], environments) == {}


@pytest.mark.parametrize("shape", ["{}", "before{}after", '{{"a": "{}"}}', "https://acme.example?token={}"])
def test_a_secret_is_found_in_whatever_shape(shape: str) -> None:
    secret = "s3cret/with+signs"
    assert find([secret, "other"], [("place", shape.format(secret))]) == {"place": [secret]}


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_a_secret_is_found_in_base64_and_in_a_url(before: str) -> None:
    secret = "s3cret/with+signs"
    packed = base64.b64encode(f"{before}{secret}".encode()).decode()
    assert find([secret], [("packed", packed), ("url", quote(secret, safe=""))]) == {
        "packed": [secret],
        "url": [secret],
    }
