"""What one call of a step comes to cost, as far as can be said before it is made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Credits of one call that ends with an output; a call that fails gives back what it reserved."""

    minimum: int
    expected: float
    maximum: int
    """What it reserves."""
