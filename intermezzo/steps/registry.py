"""Step types by name: adding a kind of work is adding one declaration here."""

from importlib import import_module
from typing import Any, TypeVar, cast

from intermezzo.errors import DefinitionError
from intermezzo.steps.contract import Step

BUILT_IN = {
    "primitive": "intermezzo.primitives",
    "native": "intermezzo.human_steps.native_types",
    "humanrail": "intermezzo.human_steps.humanrail_types",
    "scale": "intermezzo.human_steps.scale_types",
}
"""Family → the module of its types; by name, so that it is imported when somebody asks for one of them."""

_registry: dict[str, Step[..., Any, Any]] = {}


S = TypeVar("S", bound="Step[..., Any, Any]")


def register(step: S) -> S:
    """Enter a step type into the registry, so that it can be found by its name."""
    _registry[step.type] = step
    return step


def registered(type: str) -> Step[..., Any, Any]:
    """The step type of that name, built-in or declared so far.

    Raises:
        DefinitionError: there is none; the message lists those there are.
    """
    if type not in _registry:
        _load_built_in()
    try:
        return _registry[type]
    except KeyError:
        known = ", ".join(sorted(_registry)) or "none"
        raise DefinitionError(f"there is no step type {type!r}; known: {known}") from None


def registered_types() -> list[str]:
    """Names of all step types, sorted."""
    _load_built_in()
    return sorted(_registry)


def family_of(type: str) -> str:
    """Where a step type comes from: one of `BUILT_IN`, or `custom`."""
    found = registered(type)
    for family, module in BUILT_IN.items():
        if getattr(import_module(module), type, None) is found:
            return family
    return "custom"


def _load_built_in() -> None:
    declared = dict(_registry)
    for module in BUILT_IN.values():
        for value in vars(import_module(module)).values():
            if isinstance(value, Step):
                step = cast("Step[..., Any, Any]", value)
                _registry[step.type] = step
    _registry.update(declared)  # an author's own type takes the place of a built-in one
    from intermezzo.settings import settings  # slow to import, and not needed for a step that is known

    for module in filter(None, map(str.strip, settings().step_modules.split(","))):
        _load_own(module)


def _load_own(module: str) -> None:
    """Register what an author's module declares; a copy under another name is no type."""
    try:
        loaded = import_module(module)
    except Exception as error:
        raise DefinitionError(
            f"INTERMEZZO_STEP_MODULES names {module!r}, which cannot be imported: {type(error).__name__}: {error}"
        ) from error
    for value in vars(loaded).values():
        if isinstance(value, Step):
            step = cast("Step[..., Any, Any]", value)
            if step.name == step.type:
                _registry.setdefault(step.type, step)
