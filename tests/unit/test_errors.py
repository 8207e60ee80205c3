"""The tree of errors is what its docstring draws."""

import inspect
import re

import pytest

import intermezzo
from intermezzo import errors
from intermezzo.errors import BudgetExceeded, InsufficientCredits, IntermezzoError, MapFailed, StepFailed

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and value.__module__ == errors.__name__
}


def drawn() -> dict[str, tuple[str, str | None]]:
    """Name of each error in the docstring → its parent and the builtin in brackets."""
    tree: dict[str, tuple[str, str | None]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│├└─ ]*)([A-Z]\w+)(?:\s+\((\w+)\))?", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            tree[found[2]] = (path[depth - 1] if depth else "Exception", found[3])
    return tree


def test_the_tree_in_the_docstring_is_the_real_tree() -> None:
    real = {
        name: (error.__bases__[0].__name__, error.__bases__[1].__name__ if len(error.__bases__) > 1 else None)
        for name, error in CLASSES.items()
        if issubclass(error, IntermezzoError)
    }
    assert drawn() == real


def test_control_flow_is_no_exception_and_is_named_in_the_docstring() -> None:
    control_flow = {name for name, error in CLASSES.items() if not issubclass(error, Exception)}
    assert control_flow == {"AttemptSuperseded"}
    assert "`AttemptSuperseded`" in (errors.__doc__ or "").rpartition("Control flow")[2]


def test_every_error_is_exported() -> None:
    assert CLASSES.keys() <= set(intermezzo.__all__)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_error_says_in_its_docstring_what_happened(name: str) -> None:
    assert CLASSES[name].__doc__
    assert getattr(intermezzo, name) is CLASSES[name]


def test_errors_carry_their_data() -> None:
    short = InsufficientCredits("org:acme:available", needed_credits=7, available_credits=2)
    assert (short.needed_credits, short.available_credits) == (7, 2)
    assert "grant more: `intermezzo credits grant 5 --org acme`" in str(short)
    test = InsufficientCredits("test:org:default:available", needed_credits=7, available_credits=2)
    assert "grant more: `intermezzo credits grant 5 --test`" in str(test)
    over = BudgetExceeded("r1", needed_credits=7, left_credits=2)
    assert (over.needed_credits, over.left_credits) == (7, 2)
    assert "r1 needs 7 credits and has 2 left" in str(over)


def test_a_failed_map_carries_every_result_and_failure() -> None:
    failure = StepFailed("ocr", type="ValueError", message="no text")
    failed = MapFailed("ocr", ["a", failure, "c"])
    assert failed.results == ["a", failure, "c"]
    assert failed.failures == {1: failure}
    assert "1 of 3 calls failed, the first at index 1: ocr: ValueError: no text" in str(failed)
