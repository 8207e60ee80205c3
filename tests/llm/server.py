"""A local server that answers as it is told, in the wire format it is given, and remembers what it was asked."""

import json
import threading
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

KEY = "sk-the-secret-key"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request in terms every wire format has."""

    model: str
    system: str
    turns: list[tuple[str, str]]
    """(`user` or `assistant`, text)"""
    temperature: float | None
    max_tokens: int | None
    schema: dict[str, Any] | None
    """The schema that the provider is to hold the model to."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cut: bool = False
    """Send half of the body and hang up."""
    hang: bool = False
    """Send nothing until the server is closed."""


class Wire(Protocol):
    """The wire format of one provider."""

    name: str
    key_variable: str
    url_variable: str
    url_suffix: str
    model: str
    """A model of it, for calls that need a name."""

    def parse(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Asked | Reply:
        """The request, or the error the provider would answer if it is not one."""
        ...

    def answer(self, text: str, *, ending: str = "stop", model: str = "answering-model") -> Reply:
        """12 tokens were asked and 3 answered; `ending` is stop, length or refusal."""
        ...

    def error(self, status: int, message: str = "no", *, kind: str = "") -> Reply:
        """An error; `kind` is one of those the provider tells apart beyond the status: context, quota, key."""
        ...


class FakeProvider(ThreadingHTTPServer):
    """Answers with its replies in turn, the last one again and again."""

    daemon_threads = True

    def __init__(self, wire: Wire) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire = wire
        self.replies: deque[Reply] = deque([wire.answer("Hi there.")])
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self.together: threading.Barrier | None = None
        self.under_way = 0
        self.most_under_way = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{self.wire.url_suffix}"

    def will(self, *replies: Reply) -> None:
        self.replies = deque(replies)

    def reply_to(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Reply:
        asked = self.wire.parse(path, headers, body)
        if isinstance(asked, Reply):
            return asked
        with self._lock:
            self.asked.append(asked)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        if self.together:
            self.together.wait(timeout=20)
        with self._lock:
            self.under_way -= 1
        return reply


class _Handler(BaseHTTPRequestHandler):
    server: FakeProvider  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a reply in one piece: in two, the second waits for the client's system to confirm the first

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.reply_to(self.path, headers, body)
        if reply.hang:
            self.server.closing.wait(timeout=60)
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        self.close_connection = reply.cut

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(wire: Wire) -> Generator[FakeProvider]:
    """A running server."""
    server = FakeProvider(wire)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def as_json(value: object, **rest: Any) -> Reply:
    """A reply with a JSON body."""
    return Reply(body=json.dumps(value).encode(), **rest)
