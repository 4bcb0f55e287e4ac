"""The figures of docs/performance.md, measured as a user would: whole commands, a real export, a real browser.

    LEADHOUSE_ZOHO_DIR=... make bench

Prints a Markdown table. Nothing here is a test: machines differ, and a figure that is worse is a reason to look.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a script, not as a module


def timed(*command: str | Path, env: dict[str, str] | None = None) -> tuple[float, float]:
    """Wall seconds and peak memory in MB (of its largest process) of a command that must succeed."""
    start = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), [str(part) for part in command])
    return time.monotonic() - start, usage.ru_maxrss / 1024


def install(folder: Path) -> float:
    """A virtual environment from the lock, packages already downloaded."""
    venv = folder / "venv"
    start = time.monotonic()
    timed(sys.executable, "-m", "venv", venv)
    uv = Path(sys.executable).with_name("uv")
    timed(uv, "pip", "install", "--require-hashes", "-r", ROOT / "requirements.lock", env={"VIRTUAL_ENV": str(venv)})
    return time.monotonic() - start


def page(warehouse: Path, folder: Path) -> tuple[float, float]:
    """Seconds until the weekly page shows its figures in Chromium, opened again, and for another period."""
    from playwright.sync_api import sync_playwright

    from tests.dashboard.browser import ARGUMENTS, find_chromium, serving

    figure = "[data-testid=stMetricValue]"
    with serving(warehouse, folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        tab = browser.new_page(viewport={"width": 1366, "height": 900})
        drawn = []
        for wanted in ("", "", "?period=trailing_12w"):
            start = time.monotonic()
            tab.goto(f"{address}/{wanted}")
            tab.locator(figure).first.wait_for()
            drawn.append(time.monotonic() - start)
        browser.close()
    return drawn[1], drawn[2]


def main() -> None:
    """Measure and print."""
    leadhouse = Path(sys.executable).with_name("leadhouse")
    rows: list[tuple[str, str]] = []

    def measure(what: str, work: Callable[[], tuple[float, float]]) -> None:
        seconds, megabytes = work()
        rows.append((what, f"{seconds:.1f} s, {megabytes:,.0f} MB"))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows.append(("install from the lock, packages in the cache", f"{install(folder):.1f} s"))
        demo = folder / "demo"
        measure("demo build, first", lambda: timed(leadhouse, "demo", "--dir", demo, "--no-serve"))
        warehouse, config = demo / "warehouse" / "leadhouse.duckdb", demo / "leadhouse.toml"
        if os.environ.get("LEADHOUSE_ZOHO_DIR"):
            warehouse = folder / "zoho" / "leadhouse.duckdb"
            config = ROOT / "examples" / "zoho" / "leadhouse.toml"
            os.environ["LEADHOUSE_ZOHO_WAREHOUSE"] = str(warehouse)
            build = (leadhouse, "build", "--config", config, "--as-of", "2024-03-01T00:00:00Z")
            measure("real export (87,894 rows), first build", lambda: timed(*build))
            measure("real export, nothing new", lambda: timed(*build))
            measure("real export, every fact again", lambda: timed(*build, "--full-refresh"))
        metrics = (leadhouse, "metrics", "--config", config, "--metric", "response_minutes_median", "--format", "csv")
        measure("`leadhouse metrics`", lambda: timed(*metrics))
        drawn, changed = page(warehouse, folder)
        rows.append(("weekly page in Chromium, opened again", f"{drawn:.1f} s"))
        rows.append(("weekly page in Chromium, another period", f"{changed:.1f} s"))
    print(f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| what | measured |\n|---|---|")
    for what, figure in rows:
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
