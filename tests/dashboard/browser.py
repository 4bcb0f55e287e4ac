"""Finding a browser, and starting the dashboard for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.theme import streamlit_flags

APP = Path(__file__).parents[2] / "dashboards" / "app.py"
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
WIDTHS = {"laptop": (1366, 900), "phone": (390, 844)}
# Without a sandbox, because root has none; the rest keeps Chromium from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
]


def find_chromium() -> str | None:
    """The Chromium to use: `LEADHOUSE_CHROMIUM`, else the first one on the path."""
    named = os.environ.get("LEADHOUSE_CHROMIUM")
    if named:
        return named
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium_or_skip() -> str:
    """The Chromium; without one the test is skipped, but fails where a browser must be there."""
    found = find_chromium()
    if found:
        return found
    message = "no chromium found: install one (apt-get install chromium) or set LEADHOUSE_CHROMIUM"
    if os.environ.get("CI", "").lower() in ("1", "true") or os.environ.get("LEADHOUSE_REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(warehouse: Path, cwd: Path) -> Iterator[str]:
    """The dashboard over a file, started as `leadhouse serve` starts it; yields its address."""
    port = free_port()
    log = cwd / "streamlit.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", str(APP)),
                *("--server.port", str(port), "--server.headless", "true"),
                *streamlit_flags(),
            ],
            cwd=cwd,
            env={**os.environ, "LEADHOUSE_WAREHOUSE": str(warehouse)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 (ours, local)
            return
        time.sleep(0.2)
    raise RuntimeError(f"the dashboard did not start:\n{log.read_text(errors='replace')}")
