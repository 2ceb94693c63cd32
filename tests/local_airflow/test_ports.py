"""A busy port gives a sentence that names it and what to do."""

from __future__ import annotations

import socket

import pytest

from local_airflow.ports import check_port, find_free_port
from local_airflow.settings import LaunchError


def test_a_busy_port_is_named_with_the_way_to_choose_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LaunchError, match=rf"^Port {port}, for Airflow, is in use .* `make demo PORT=<port>`"):
            check_port(port, "Airflow", "PORT")


def test_a_bound_port_that_does_not_answer_is_busy_too() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        with pytest.raises(LaunchError, match=rf"^Port {port}, for the simulator, .*SIMULATOR_PORT"):
            check_port(port, "the simulator", "SIMULATOR_PORT")


def test_a_free_port_passes() -> None:
    check_port(find_free_port(), "Airflow", "PORT")
