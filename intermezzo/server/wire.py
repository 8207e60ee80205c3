"""What every request passes first: an id, and a limit of its size."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intermezzo.server.problems import Refused
from intermezzo.store import new_id

REQUEST_ID = b"x-request-id"


class Wire:
    """ASGI middleware: names each request, says so in its answer, and refuses bodies that are too large.

    Args:
        app: what comes after it.
        most_bytes: of a body, whether its length is said before or not.
    """

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_id()
        scope.setdefault("state", {})["request_id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (REQUEST_ID, request_id.encode())]
            await send(message)

        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.most_bytes:
                raise Refused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "payload_too_large",
                    f"expected at most {self.most_bytes:,} bytes, got more",
                )
            return message

        await self.app(scope, counted, named)
