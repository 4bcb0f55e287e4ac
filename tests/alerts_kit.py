"""Where alerts arrive in tests: a mail server, an endpoint and one that must not be touched, all on this machine."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dagster_project.alerts.conclude import conclude
from dagster_project.errors import LeadhouseError
from dagster_project.session import Session, Trigger
from dagster_project.warehouse.checks import CheckResult, record_checks, start_checks
from tests.ingest_kit import Kit


@dataclass
class Inbox:
    """What arrived: mails, bodies of requests (JSON), logins; and how often somebody called at all."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    calls: int = 0
    answer: int = 200


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client with a password needs."""

    def handle(self) -> None:
        inbox: Inbox = self.server.inbox  # type: ignore[attr-defined]
        inbox.calls += 1
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word in ("EHLO", "HELO"):
                self._say("250-test\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                inbox.logins.append(base64.b64decode(line.split()[-1]).decode())
                self._say("235 welcome")
            elif word == "DATA":
                self._say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                inbox.mails.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        inbox: Inbox = self.server.inbox  # type: ignore[attr-defined]
        inbox.calls += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if inbox.answer == 200:
            inbox.posts.append(json.loads(body))
        self.send_response(inbox.answer)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """A test's output is its own."""


@contextmanager
def _serving(server: socketserver.TCPServer, inbox: Inbox) -> Iterator[Inbox]:
    server.inbox = inbox  # type: ignore[attr-defined]
    inbox.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """A mail server: `mailto://user:password@localhost:PORT?from=a@example.com&to=b@example.com`."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server, _serving(server, Inbox()) as inbox:
        yield inbox


@contextmanager
def endpoint(port: int = 0) -> Iterator[Inbox]:
    """An endpoint: `json://127.0.0.1:PORT`."""
    with ThreadingHTTPServer(("127.0.0.1", port), _Post) as server, _serving(server, Inbox()) as inbox:
        yield inbox


def finding(name: str = "few_rows", subject: str = "files", **changes: Any) -> dict[str, Any]:
    """The fields of a failed check, without its moment."""
    return {
        "check_name": name,
        "subject": subject,
        "layer": "arrival",
        "severity": "warning",
        "status": "failed",
        "observed": "12 of 60 rows",
        "expected": "at most 1 %",
        "owner": "ops",
        "why": "figures are short by them",
        "what_to_do": "mend the file",
        **changes,
    }


WHOLE = finding("shares_are_shares", "figures", layer="metrics", status="passed")
"""A check of figures: with it, all checks of an attempt have been made."""


def attempt(
    kit: Kit,
    *results: dict[str, Any],
    problems: tuple[LeadhouseError, ...] = (),
    published: bool = True,
    trigger: Trigger = "command",
    **facts: Any,
) -> Session:
    """An attempt whose checks found that, concluded; nothing is built."""
    session = Session(kit.config, trigger=trigger)
    for name, value in facts.items():
        setattr(session, name, value)
    if results:
        with kit.working() as connection:
            start_checks(connection)
            record_checks(connection, [CheckResult(**{"checked_at": session.started_at, **item}) for item in results])
    session.problems += problems
    session.is_published = published and not problems
    conclude(session)
    return session
