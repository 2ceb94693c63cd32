"""The alerts when a task fails or a run misses its deadline."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from ci_operators.core.errors import ConfigurationError
from ci_operators.operators.alerts import FailureAlert, build_deadline, tell_of_missed_deadline
from tests.airflow_home import on_newest

HERE = "tests.operators.test_alerts"
TOLD: list[str] = []


class Notifier(BaseNotifier):
    """An Airflow notifier with a template, like those of the providers."""

    template_fields = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def notify(self, context: Any) -> None:
        TOLD.append(self.text)


def note(context: Any, prefix: str = "") -> None:
    """Record the alert, like a user's own function."""
    TOLD.append(f"{prefix}{context['alert']}")


def explode(context: Any) -> None:
    raise RuntimeError("broken on purpose")


@pytest.fixture(autouse=True)
def told() -> Iterator[list[str]]:
    TOLD.clear()
    yield TOLD
    TOLD.clear()


def failure(error: BaseException | None) -> dict[str, Any]:
    ti = SimpleNamespace(dag_id="collective_insights_okta", task_id="extract", run_id="scheduled__1")
    return {"ti": ti, "exception": error}


def missed(run_type: str = "scheduled") -> dict[str, Any]:
    """Return the context that Airflow's scheduler gives to the callback of a deadline."""
    run = {"dag_id": "collective_insights_okta", "dag_run_id": "scheduled__1", "run_type": run_type, "state": "running"}
    return {"dag_run": run, "deadline": {"id": "1", "deadline_time": "2026-03-10T12:00:00Z"}}


def test_a_notifier_and_a_function_get_the_sentence_of_an_error(told: list[str]) -> None:
    notifiers = {f"{HERE}.Notifier": {"text": "[CI] {{ alert }}"}, f"{HERE}.note": {"prefix": "> "}}
    FailureAlert(notifiers)(failure(ConfigurationError("Fix this.")))
    sentence = "collective_insights_okta: task extract of run scheduled__1 failed: Fix this."
    assert told == [f"[CI] {sentence}", f"> {sentence}"]


@pytest.mark.parametrize(("error", "end"), [(KeyError("jane.doe@acme.example"), "failed: KeyError"), (None, "failed.")])
def test_another_error_is_named_only_by_its_class(error: BaseException | None, end: str, told: list[str]) -> None:
    FailureAlert({f"{HERE}.note": {}})(failure(error))
    assert told == [f"collective_insights_okta: task extract of run scheduled__1 {end}"]


def test_a_notifier_that_fails_takes_no_other_down(told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    FailureAlert({f"{HERE}.explode": {}, "no.such.Notifier": {}, f"{HERE}.note": {}})(failure(None))
    assert len(told) == 1
    assert f"The notifier {HERE}.explode failed" in caplog.text
    assert "The notifier no.such.Notifier failed" in caplog.text


@on_newest
def test_a_deadline_alert_is_sent_by_airflows_own_call(told: list[str]) -> None:
    """As the executor does it: import path and arguments of the callback, with the scheduler's context."""
    from airflow.sdk.execution_time.callback_supervisor import execute_callback

    alert = build_deadline(timedelta(hours=2), {f"{HERE}.Notifier": {"text": "{{ alert }}"}})
    path, arguments = alert.callback.path, {**alert.callback.kwargs, "context": missed()}
    assert execute_callback(path, arguments, Path(), None, SimpleNamespace(debug=_silent, info=_silent)) == (True, None)
    assert told == ["collective_insights_okta: run scheduled__1 did not succeed within 2 hours; its state is running."]


def _silent(*words: Any, **more: Any) -> None:
    del words, more


def test_a_backfills_runs_have_no_deadline(told: list[str]) -> None:
    tell_of_missed_deadline(notifiers={f"{HERE}.note": {}}, within_s=60, context=missed("backfill"))
    assert told == []


class Mailbox(socketserver.StreamRequestHandler):
    """The part of an SMTP server that receives a mail."""

    mails: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().decode():
            verb = line[:4].upper().strip()
            if verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                self.mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
            self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n")


def test_airflows_mail_notifier_needs_only_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = type("Here", (Mailbox,), {"mails": []})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        extra = '{"disable_ssl": true, "disable_tls": true, "from_email": "airflow@example.com"}'
        monkeypatch.setenv(
            "AIRFLOW_CONN_SMTP_DEFAULT",
            f'{{"conn_type": "smtp", "host": "127.0.0.1", "port": {port}, "extra": {extra}}}',
        )
        notify = {
            "airflow.providers.smtp.notifications.smtp.SmtpNotifier": {
                "to": "soc@example.com",
                "subject": "{{ alert }}",
                "html_content": "{{ alert }}",
            }
        }
        FailureAlert(notify)(failure(ConfigurationError("Fix this.")))
        server.shutdown()
    (mail,) = handler.mails  # type: ignore[attr-defined]  # made above
    assert "To: soc@example.com" in mail
    assert "Fix this." in mail
