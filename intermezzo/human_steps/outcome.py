"""What the journal keeps of a settled human call: the answer, and how it came about."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

if TYPE_CHECKING:
    from sqlalchemy import Row


def envelope(
    answer: Mapping[str, JsonValue],
    *,
    summary: str,
    agreement: float,
    agreement_by_field: Mapping[str, float] | None = None,
    given: "Sequence[Row[tuple[object, ...]]]" = (),
) -> str:
    """An output for the journal, as JSON.

    Args:
        answer: what the step returns.
        summary: one line for a person.
        agreement: how far the workers agree with it, 0 to 1.
        agreement_by_field: the same of each field; None: nobody was compared.
        given: the responses it was made of, the earliest first.
    """
    return json.dumps(
        {
            "answer": answer,
            "agreement": agreement,
            "agreement_by_field": dict(agreement_by_field or {}),
            "summary": summary,
            "submissions": [
                {
                    "worker": row.worker_id,
                    "answer": json.loads(row.answer),
                    "submitted_at": row.submitted_at.isoformat(),
                }
                for row in given
            ],
        },
        ensure_ascii=False,
    )
