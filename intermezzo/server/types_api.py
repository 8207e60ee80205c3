"""`/v1/types`: what people can be asked, open to everybody."""

from http import HTTPStatus

from fastapi import APIRouter

from intermezzo.human_steps.type_sheet import TypeSheet, human_types
from intermezzo.server.problems import Refused
from intermezzo.server.reading import Route
from intermezzo.server.task_wire import Wired

router = APIRouter(prefix="/v1/types", tags=["types"], route_class=Route)


class TypeOut(Wired):
    """A kind of work, in a line."""

    name: str
    family: str
    """Where it comes from: `native`, `humanrail`, `scale` or `custom`."""
    work: str
    """What workers do."""
    reward_credits: int
    """Per answer."""
    price_credits: dict[int, int]
    """Number of answers → credits that a task reserves for them, the fee included."""


class Types(Wired):
    """Kinds of work."""

    items: list[TypeOut]


@router.get("", summary="List the types of tasks")
async def list_types() -> Types:
    """Everything people can be asked, family by family."""
    sheets = [TypeSheet.of(step) for step in human_types()]
    return Types(
        items=[
            TypeOut(
                name=sheet.name,
                family=sheet.family,
                work=sheet.work,
                reward_credits=sheet.reward_credits,
                price_credits=sheet.price_credits,
            )
            for sheet in sheets
        ]
    )


@router.get("/{name}", summary="Describe a type of task")
async def get_type(name: str) -> TypeSheet:
    """What it takes, what workers answer, what it gives and costs; with an example and the schemas."""
    for step in human_types():
        if step.type == name:
            return TypeSheet.of(step)
    detail = f"there is no type {name[:100]!r} that people can be asked; GET /v1/types lists those there are"
    raise Refused(HTTPStatus.NOT_FOUND, "type_not_found", detail)
