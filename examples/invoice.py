"""The pipeline of invoice.yaml as a Python flow."""

import json
from typing import Any

from prefect import flow

from intermezzo import answer_question, document_parse, llm_generate

FIELDS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["vendor", "total", "confidence"],
    "properties": {
        "vendor": {"type": "string"},
        "total": {"type": "string"},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
}

SURE = 0.9

extract = llm_generate.with_options(name="fields", retries=2)
check = answer_question.with_options(name="check", priority="high", deadline_seconds=86_400)


@flow(persist_result=True, result_serializer="json")
async def invoice(file: str) -> dict[str, Any]:
    """Read an invoice, given in base64; a person looks at a total that is not certain."""
    parsed = await document_parse(content_base64=file)
    question = f"Extract vendor and total of this invoice:\n{parsed.text}"
    answer = await extract(
        {"messages": [{"role": "user", "content": question}], "temperature": 0, "output_schema": FIELDS}
    )
    fields = json.loads(answer.text)
    total, unsure = fields["total"], fields["confidence"] < SURE
    if unsure:
        question = f"What is the total? The model reads {total}."
        total = (await check(content=parsed.text, question=question)).answer
    return {"vendor": fields["vendor"], "total": total, "checked": unsure}
