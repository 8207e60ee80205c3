"""A server that fails as it is told to: what clients meet on a bad day."""

import json
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OPEN: dict[str, Any] = {"id": "t1", "type": "label_text", "status": "open", "state": "open", "novel": {"x": 1}}
DONE: dict[str, Any] = {**OPEN, "status": "completed", "state": "completed", "output": {"summary": "positive"}}


@dataclass(frozen=True)
class Play:
    """What happens to one request: an answer, late perhaps; or with status 0 a closed connection."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    after_seconds: float = 0

    @property
    def sent(self) -> bytes:
        """The body; text is sent as it is."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Heard:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FailingServer:
    """Where it is, and what it heard."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list[Heard])


@contextmanager
def failing(plays: Sequence[Play]) -> Generator[FailingServer]:
    """A server on a free port that plays this, request by request."""
    script = iter(plays)
    told = FailingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.heard.append(Heard(self.command, self.path, headers, self.rfile.read(length)))
            play = next(script)
            time.sleep(play.after_seconds)
            if play.status == 0:
                self.close_connection = True
                return
            self.send_response(play.status)
            for name, value in {"Content-Length": str(len(play.sent)), **play.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(play.sent)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
