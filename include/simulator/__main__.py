"""`python -m simulator`: serves the simulated APIs until it is stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from textwrap import indent

from simulator.certificate import Certificate, write_certificate
from simulator.server import serve
from simulator.simulator import Simulator
from simulator.tenants import DEFAULT_SEED
from simulator.vendors import VENDORS

_USAGE = "\n".join(indent(f"{name}\n{indent(tenant.usage, '  ')}", "  ") for name, tenant in VENDORS.items())
_EPILOG = f"""\
vendors, by path:
{_USAGE}

control, without a token:
  GET  /simulator/health, /simulator/detections

The same seed gives the same history in every run; new events appear as time goes on.
"""


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description=f"Serves the simulated APIs of {', '.join(VENDORS)} on one port.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=_port, default=8099, help="port (default: %(default)s; 0: a free one)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="selects the history (default: %(default)s)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep stored detections in this directory")
    parser.add_argument(
        "--tls", type=Path, metavar="DIR", help="serve by https, with a new certificate; clients must trust DIR/ca.pem"
    )
    parser.add_argument(
        "--tls-name",
        action="append",
        default=[],
        metavar="HOST",
        help="a host name of the certificate in addition to localhost; can be given several times",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Return the exit status: 0 after SIGTERM or SIGINT, 1 if the simulator cannot start."""
    options = read_arguments(arguments)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        certificate = _make_certificate(options.tls, options.tls_name)
    except OSError as err:
        return _fail(f"cannot write a certificate to {options.tls}: {err.strerror or err}")
    try:
        simulator = Simulator(seed=options.seed, state_directory=options.state)
    except (OSError, ValueError) as err:
        return _fail(f"cannot use the state directory {options.state}: {err}")
    try:
        with serve(simulator, host=options.host, port=options.port, certificate=certificate) as running:
            _say(_ready_line(running.url))
            ending.wait()
    except OSError as err:
        return _fail(f"cannot listen on {options.host} port {options.port}: {err.strerror or err}")
    return 0


def _make_certificate(folder: Path | None, names: list[str]) -> Certificate | None:
    """Return a new certificate, or None without a folder."""
    return None if folder is None else write_certificate(folder, [*names, "localhost", "127.0.0.1"])


def _ready_line(url: str) -> str:
    signing_in = ((name, tenant.sign_in) for name, tenant in VENDORS.items())
    secrets = (f"{name}: {' '.join((each.password, *each.extra.values()))}" for name, each in signing_in)
    return f"simulator ready at {url} ({', '.join(secrets)})"


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _fail(sentence: str) -> int:
    sys.stderr.write(f"simulator: {sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
