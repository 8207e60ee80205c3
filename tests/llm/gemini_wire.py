"""generateContent of the Gemini API: https://ai.google.dev/api/generate-content, …/gemini-api/docs/troubleshooting."""

import re
from collections.abc import Mapping
from typing import Any

from tests.llm.server import KEY, Asked, Reply, as_json

STOPS = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY"}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def text_of(content: dict[str, Any]) -> str:
    return "".join(part["text"] for part in content["parts"])


class GeminiWire:
    """Requests and replies of this provider."""

    name = "gemini"
    key_variable = "GEMINI_API_KEY"
    url_variable = "GOOGLE_GEMINI_BASE_URL"
    url_suffix = ""
    model = "gemini-3.8-flash"

    def parse(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Asked | Reply:
        found = re.fullmatch(r"/v1beta/models/([\w.-]+):generateContent", path)
        if not found:
            return self.error(404)
        if headers.get("x-goog-api-key") != KEY:
            return self.error(400, kind="key")
        config = body.get("generationConfig", {})
        roles = {"user": "user", "model": "assistant"}
        return Asked(
            model=found[1],
            system=text_of(body["systemInstruction"]) if "systemInstruction" in body else "",
            turns=[(roles[content["role"]], text_of(content)) for content in body["contents"]],
            temperature=config.get("temperature"),
            max_tokens=config.get("maxOutputTokens"),
            schema=config.get("responseJsonSchema"),
            headers=headers,
            body=body,
        )

    def answer(self, text: str, *, ending: str = "stop", model: str = "answering-model") -> Reply:
        candidate: dict[str, Any] = {"finishReason": STOPS[ending], "index": 0}
        if ending != "refusal":
            candidate["content"] = {"role": "model", "parts": [{"text": text}]}
        return as_json(
            {
                "candidates": [candidate],
                "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15},
                "modelVersion": model,
                "responseId": "resp_1",
            }
        )

    def error(self, status: int, message: str = "no", *, kind: str = "") -> Reply:
        details: list[dict[str, Any]] = []
        if kind == "context":
            status, message = (
                400,
                f"The input token count (2) exceeds the maximum number of tokens allowed (1): {message}",
            )
        elif kind == "quota":
            status, message = 429, "You exceeded your current quota."
            quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
            details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [quota]}]
        elif kind == "key":
            status, message = 400, "API key not valid. Please pass a valid API key."
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
        error = {"code": status, "message": message, "status": STATUSES[status], "details": details}
        return as_json({"error": error}, status=status)
