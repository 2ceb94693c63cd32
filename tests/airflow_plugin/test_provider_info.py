"""The Connection forms: their labels, and that Airflow finds them with every way to install the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.core_api.datamodels.connections import ConnectionResponse
from airflow.models.connection import Connection

from ci_operators import __version__
from ci_operators.airflow_plugin.provider_info import get_provider_info
from ci_operators.airflow_plugin.versions import AIRFLOW
from ci_operators.hooks.ledger import CONN_TYPE, LedgerHook
from ci_operators.hooks.okta import OktaHook
from ci_operators.hooks.recorded_future import RecordedFutureHook
from ci_operators.hooks.sentinelone import SentinelOneHook
from ci_operators.sources.okta.api import API as OKTA
from tests.airflow_home import IGNORED, ROOT, on_3_2

PLUGINS = ROOT / "plugins"
METADATA = PLUGINS / "collective_insights_airflow-0.1.0.dist-info"
TYPES = {entry["connection-type"]: entry for entry in get_provider_info()["connection-types"]}
#: By their old import paths, and the ledger's.
HOOKS: dict[str, Any] = {
    "okta": OktaHook,
    "sentinelone": SentinelOneHook,
    "recorded_future": RecordedFutureHook,
    CONN_TYPE: LedgerHook,
}
#: What the API server sends to the browser for each type.
ASK = """
import json
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.plugins_manager import _get_plugins
from airflow.providers_manager import ProvidersManager
from ci_operators.airflow_plugin.provider_info import get_provider_info
types = [entry["connection-type"] for entry in get_provider_info()["connection-types"]]
forms = [form.model_dump() for form in HookMetaService.hook_meta_data() if form.connection_type in types]
names = [plugin.name for plugin in _get_plugins()[0]].count("collective_insights")
print(json.dumps({"forms": forms, "plugins": names, "errors": _get_plugins()[1],
                  "providers": [name for name in ProvidersManager().providers if "collective" in name]}))
"""


def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)["project"]
    return found


def ask_airflow(home: Path, plugins: Path, *path: Path) -> dict[str, Any]:
    """Return what a separate Airflow prints with these folders on its path."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONWARNINGS": IGNORED.replace("error,", ""),
    }
    asked = subprocess.run(  # noqa: S603 - this Python, that code
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True, env=environment, cwd=home
    )
    answer: dict[str, Any] = json.loads(asked.stdout.splitlines()[-1])
    return answer


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder with the package as pip installs it, without the code itself."""
    folder = tmp_path / "site-packages"
    metadata = folder / METADATA.name
    metadata.mkdir(parents=True)
    (folder / "ci_operators").symlink_to(PLUGINS / "ci_operators")
    (metadata / "METADATA").write_text((METADATA / "METADATA").read_text(encoding="utf-8"), encoding="utf-8")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project()["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_the_folder_says_what_the_package_says() -> None:
    metadata = HeaderParser().parsestr((METADATA / "METADATA").read_text(encoding="utf-8"))
    assert metadata["Name"] == project()["name"] == get_provider_info()["package-name"]
    assert metadata["Version"] == __version__
    assert metadata["Summary"] == project()["description"]
    assert set(metadata["Requires-Python"].split(",")) == set(project()["requires-python"].split(","))
    assert METADATA.name == f"{metadata['Name'].replace('-', '_')}-{metadata['Version']}.dist-info"


def test_the_folder_s_entry_points_are_the_package_s_but_for_the_plugin() -> None:
    """Airflow finds the plugin as a file of the folder, so an entry point would register it twice."""
    entry_points = ConfigParser()
    entry_points.read(METADATA / "entry_points.txt", encoding="utf-8")
    said = {group: dict(entry_points[group]) for group in entry_points.sections()}
    assert said == {"apache_airflow_provider": project()["entry-points"]["apache_airflow_provider"]}
    assert set(project()["entry-points"]) == {"apache_airflow_provider", "airflow.plugins"}


def test_airflow_leaves_the_metadata_alone() -> None:
    assert {"ci_operators/", "*.dist-info/"} <= set((PLUGINS / ".airflowignore").read_text().splitlines())


@on_3_2
def test_airflow_finds_the_same_types_installed_in_the_folder_and_both(tmp_path: Path, installed: Path) -> None:
    nothing = tmp_path / "plugins"
    nothing.mkdir()
    from_folder = ask_airflow(tmp_path, PLUGINS, PLUGINS)
    assert {form["connection_type"]: form["hook_name"] for form in from_folder["forms"]} == {
        kind: entry["hook-name"] for kind, entry in TYPES.items()
    }
    assert from_folder["providers"] == ["collective-insights-airflow"]
    assert (from_folder["plugins"], from_folder["errors"]) == (1, {})
    assert ask_airflow(tmp_path, nothing, installed) == from_folder
    if AIRFLOW.release < (3, 3, 1):  # Airflow reports the second plugin as an error and uses one of them
        return
    assert ask_airflow(tmp_path, PLUGINS, PLUGINS, installed) == from_folder
    assert ask_airflow(tmp_path, PLUGINS, installed) == from_folder


@pytest.mark.parametrize(
    ("kind", "field", "title", "words"),
    [
        ("okta", "host", "URL", "Server URL to access your Okta instance"),
        ("okta", "password", "API Token", "Okta API Token with Read Only Admin privilege"),
        ("sentinelone", "host", "Instance URL", "URL in the address bar"),
        ("sentinelone", "password", "API Key", "Settings > Users > Current User > Generate API Token"),
        ("recorded_future", "host", "URL", "Empty: https://api.recordedfuture.com"),
        ("recorded_future", "password", "API Token", "Collective Insights API token"),
    ],
)
def test_the_fields_have_the_labels_of_the_setup_dialogs(kind: str, field: str, title: str, words: str) -> None:
    form = TYPES[kind]["ui-field-behaviour"]
    assert form["relabeling"][field] == title
    assert words in form["placeholders"][field]
    assert set(form["hidden-fields"]) == {"schema", "login", "port"}


def test_the_ledger_s_form_is_a_database_s() -> None:
    form = TYPES[CONN_TYPE]["ui-field-behaviour"]
    assert form["hidden-fields"] == []  # the port is shown too, since databases often have another one
    assert form["relabeling"] == {"schema": "Database"}
    assert form["placeholders"]["port"] == "5432"
    fields = TYPES[CONN_TYPE]["conn-fields"]
    assert {name: field["label"] for name, field in fields.items()} == {
        "ledger_schema": "Schema",
        "sslmode": "SSL mode",
        "sslrootcert": "CA file",
    }
    assert fields["sslmode"]["schema"]["default"] in fields["sslmode"]["schema"]["enum"]


def test_every_further_field_has_a_label_a_help_text_and_may_be_empty() -> None:
    for kind, entry in TYPES.items():
        for name, field in entry["conn-fields"].items():
            assert field["label"], f"{kind}.{name}"
            assert field["description"].endswith("."), f"{kind}.{name}"
            assert "null" in field["schema"]["type"], f"{kind}.{name}: the form could not be saved without it"
            assert field["schema"]["section"], f"{kind}.{name}"


def test_okta_s_form_has_the_fields_of_its_api_and_hides_the_key() -> None:
    fields = TYPES["okta"]["conn-fields"]
    assert set(fields) == {*OKTA.about.fields, "proxy", "verify"}
    auth = fields["auth"]["schema"]
    assert auth["enum"] == list(auth["values_display"]) == ["ssws", "oauth2"]
    assert auth["default"] == "ssws"
    assert fields["private_key"]["schema"]["format"] == "password"
    assert (
        {"proxy", "verify"} == set(TYPES["sentinelone"]["conn-fields"]) == set(TYPES["recorded_future"]["conn-fields"])
    )


@pytest.mark.parametrize("kind", HOOKS)
def test_a_connection_of_the_type_gives_its_hook(kind: str) -> None:
    hook = HOOKS[kind]
    assert TYPES[kind]["hook-class-name"] == f"{hook.__module__}.{hook.__qualname__}"
    assert (hook.conn_type, hook.hook_name) == (kind, TYPES[kind]["hook-name"])
    name = "ledger_conn_id" if kind == CONN_TYPE else "http_conn_id"
    given = hook(**{hook.conn_name_attr: "acme"})
    assert getattr(given, name) == getattr(hook("acme"), name) == "acme"
    assert getattr(hook(), name) == hook.default_conn_name
    if kind != CONN_TYPE:
        assert (hook.conn_name_attr, hook.default_conn_name) == (f"{kind}_conn_id", f"{kind}_default")


def test_airflow_s_api_shows_neither_key_nor_token() -> None:
    extra = {"auth": "oauth2", "client_id": "0oa1", "private_key": "-----BEGIN", "kid": None, "verify": "/ca.pem"}
    stored = Connection(conn_id="okta_acme", conn_type="okta", password="00token", extra=json.dumps(extra))
    shown = ConnectionResponse.model_validate(stored, from_attributes=True)
    assert shown.password == "***"
    assert json.loads(shown.extra or "") == {**extra, "private_key": "***"}


def test_reading_the_forms_imports_nothing_slow() -> None:
    """Every process of Airflow reads them, including each task."""
    code = "import sys; from ci_operators.airflow_plugin.provider_info import get_provider_info; get_provider_info(); "
    environment = {**os.environ, "PYTHONPATH": str(PLUGINS)}
    printed = subprocess.run(  # noqa: S603 - this Python, that code
        [sys.executable, "-c", f"{code}print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert not {"airflow", "jwt", "msgspec", "pydantic", "requests"} & set(printed.stdout.split())
