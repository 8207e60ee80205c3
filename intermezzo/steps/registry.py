"""Step types by name: adding a kind of work is adding one declaration here."""

from typing import Any, TypeVar

from intermezzo.errors import DefinitionError
from intermezzo.steps.contract import Step

_registry: dict[str, Step[..., Any, Any]] = {}


S = TypeVar("S", bound="Step[..., Any, Any]")


def register(step: S) -> S:
    """Enter a step type into the registry, so that it can be found by its name."""
    _registry[step.type] = step
    return step


def registered(type: str) -> Step[..., Any, Any]:
    """The step type of that name.

    Raises:
        DefinitionError: there is none; the message lists those there are.
    """
    try:
        return _registry[type]
    except KeyError:
        known = ", ".join(sorted(_registry)) or "none"
        raise DefinitionError(f"there is no step type {type!r}; known: {known}") from None


def registered_types() -> list[str]:
    """Names of all step types, sorted."""
    return sorted(_registry)
