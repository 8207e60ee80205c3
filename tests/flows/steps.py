"""Steps that the tests of the engine share."""

from intermezzo import human_step, label_text, step

work: list[str] = []
"""What the steps have really done in this test."""


@step(credits=3)
async def double(x: int) -> int:
    """Twice the number."""
    work.append(f"double {x}")
    return 2 * x


@step(credits=5)
async def fail(x: int) -> int:
    """Never works."""
    work.append(f"fail {x}")
    raise ValueError(f"no {x}")


verify = label_text.with_options(name="verify", assignments_required=2, consensus_strategy="unanimous")
fine = human_step("fine", output={"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]})

CHOICES = ["a", "b"]
