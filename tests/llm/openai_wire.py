"""The Chat Completions API of OpenAI: https://developers.openai.com/api/reference, …/docs/guides/error-codes."""

from collections.abc import Mapping
from typing import Any

from tests.llm.server import KEY, Asked, Reply, as_json

CODES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", None),
}


class OpenAIWire:
    """Requests and replies of this provider."""

    name = "openai"
    key_variable = "OPENAI_API_KEY"
    url_variable = "OPENAI_BASE_URL"
    url_suffix = "/v1"
    model = "gpt-6-luna"

    def parse(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Asked | Reply:
        if path != "/v1/chat/completions":
            return self.error(404)
        if headers.get("authorization") not in (f"Bearer {KEY}", "Bearer none"):
            return self.error(401)
        system = [message["content"] for message in body["messages"] if message["role"] in ("system", "developer")]
        turns = [message for message in body["messages"] if message["role"] in ("user", "assistant")]
        format = body.get("response_format", {})
        return Asked(
            model=body["model"],
            system="\n\n".join(system),
            turns=[(turn["role"], turn["content"]) for turn in turns],
            temperature=body.get("temperature"),
            max_tokens=body.get("max_completion_tokens"),
            schema=format.get("json_schema", {}).get("schema"),
            headers=headers,
            body=body,
        )

    def answer(self, text: str, *, ending: str = "stop", model: str = "answering-model") -> Reply:
        refused = ending == "refusal"
        message = {
            "role": "assistant",
            "content": None if refused else text,
            "refusal": "I cannot help with that." if refused else None,
        }
        return as_json(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1_790_000_000,
                "model": model,
                "choices": [
                    {
                        "index": 0,
                        "message": message,
                        "logprobs": None,
                        "finish_reason": "stop" if refused else ending,
                    }
                ],
                "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
            }
        )

    def error(self, status: int, message: str = "no", *, kind: str = "") -> Reply:
        type, code = CODES.get(status, ("invalid_request_error", None))
        status, message, type, code = {
            "context": (400, f"maximum context length: {message}", "invalid_request_error", "context_length_exceeded"),
            "quota": (429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
            "key": (401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
        }.get(kind, (status, message, type, code))
        body = {"error": {"message": message, "type": type, "param": None, "code": code}}
        return as_json(body, status=status, headers={"x-request-id": "req_1"})
