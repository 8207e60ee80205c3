"""The Messages API of Anthropic: https://platform.claude.com/docs/en/api/messages, …/api/errors."""

from collections.abc import Mapping
from typing import Any

from tests.llm.server import KEY, Asked, Reply, as_json

STOPS = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}


def text_of(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


class AnthropicWire:
    """Requests and replies of this provider."""

    name = "anthropic"
    key_variable = "ANTHROPIC_API_KEY"
    url_variable = "ANTHROPIC_BASE_URL"
    url_suffix = ""
    model = "claude-haiku-4-5"

    def parse(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Asked | Reply:
        if path.partition("?")[0] != "/v1/messages" or "anthropic-version" not in headers:
            return self.error(404)
        if KEY not in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer ")):
            return self.error(401)
        if "max_tokens" not in body or body["messages"][0]["role"] != "user":
            return self.error(400)
        if body.get("temperature", 0) > 1:
            return self.error(400, "temperature: range: 0..1")
        return Asked(
            model=body["model"],
            system=text_of(body.get("system", "")),
            turns=[(message["role"], text_of(message["content"])) for message in body["messages"]],
            temperature=body.get("temperature"),
            max_tokens=body["max_tokens"],
            schema=body.get("output_config", {}).get("format", {}).get("schema"),
            headers=headers,
            body=body,
        )

    def answer(self, text: str, *, ending: str = "stop", model: str = "answering-model") -> Reply:
        return as_json(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [{"type": "text", "text": text}] if text else [],
                "stop_reason": STOPS[ending],
                "stop_sequence": None,
                "usage": {"input_tokens": 12, "output_tokens": 3},
            }
        )

    def error(self, status: int, message: str = "no", *, kind: str = "") -> Reply:
        status, message = {
            "context": (400, f"prompt is too long: 250000 tokens > 200000 maximum: {message}"),
            "quota": (400, "Your credit balance is too low to access the Anthropic API."),
            "key": (401, "invalid x-api-key"),
        }.get(kind, (status, message))
        body = {"type": "error", "error": {"type": TYPES[status], "message": message}, "request_id": "req_1"}
        return as_json(body, status=status, headers={"request-id": "req_1"})
