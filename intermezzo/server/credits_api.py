"""`/v1/credits`: what an organisation has and where it went (spec: CS-06, K4)."""

from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection

from intermezzo import ledger
from intermezzo.access import Principal
from intermezzo.errors import NotAllowed
from intermezzo.ledger import Entry, Payer
from intermezzo.server.context import Context, IdempotencyKey, Operator, Server, allowed
from intermezzo.server.reading import Route
from intermezzo.server.task_wire import Wired
from intermezzo.store import new_id, utc_now
from intermezzo.store.idempotency import fingerprint, once

router = APIRouter(prefix="/v1/credits", tags=["credits"], route_class=Route)

LARGEST_GRANT = 10**12
"""Far from where sums of 64 bits end, and from what anybody grants on purpose."""

CreditsReader = Annotated[Principal, Depends(allowed("credits:read"))]
"""May see the organisation's credits."""


class Balance(Wired):
    """Credits of an organisation."""

    available: int
    """What may be spent."""
    reserved: int
    """What open calls and tasks hold."""
    total_used: int
    """Spent on AI steps, rewards and fees, ever."""
    total_purchased: int
    """Granted, ever."""
    plan: Literal["prepaid"] = "prepaid"
    """Credits are granted before they are spent; there is no other plan."""
    org: str
    test: bool


class EntryOut(Wired):
    """A transfer of credits."""

    id: int
    at: AwareDatetime
    move: str
    """`grant`, `reserve`, `capture`, `reward`, `fee` or `release`."""
    source: str
    target: str
    credits: int
    subject: str
    """A step call's reservation, a human task or a grant."""
    step: str | None
    run_id: str | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """An entry as it goes over the wire."""
        return cls(
            id=entry.seq,
            at=entry.at,
            move=entry.move,
            source=entry.source,
            target=entry.target,
            credits=entry.credits,
            subject=entry.subject,
            step=entry.step,
            run_id=entry.run_id,
        )


class EntryPage(Wired):
    """Transfers, the newest first."""

    items: list[EntryOut]
    next_cursor: int | None
    """Give it as `cursor` for the page after this one; null: there is none."""
    limit: int


class NewGrant(Wired):
    """Credits for an organisation."""

    org: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    credits: Annotated[int, Field(ge=1, le=LARGEST_GRANT)]
    test: bool = False
    """Test credits."""


@router.get("", summary="See the balance")
async def credits(principal: CreditsReader, server: Server) -> Balance:
    """What the organisation of the key has: test credits for a test key."""
    return await _balance(server, principal.payer)


@router.get("/balance", summary="See the balance")
async def balance(principal: CreditsReader, server: Server) -> Balance:
    """As `GET /v1/credits`."""
    return await _balance(server, principal.payer)


@router.get("/entries", summary="List transfers")
async def entries(
    principal: CreditsReader,
    server: Server,
    cursor: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> EntryPage:
    """Where credits came from and went, the newest first."""
    payer = principal.payer
    found = await server.store.read(lambda c: ledger.entries(c, payer, before=cursor, limit=limit + 1))
    items = [EntryOut.of(entry) for entry in found[:limit]]
    return EntryPage(items=items, next_cursor=items[-1].id if len(found) > limit else None, limit=limit)


@router.post("/grant", status_code=HTTPStatus.CREATED, summary="Grant credits")
async def grant(new: NewGrant, principal: Operator, server: Server, idempotency_key: IdempotencyKey = None) -> Balance:
    """For operators: give an organisation credits to spend. With the same idempotency key they are granted once."""
    if principal.test and not new.test:
        raise NotAllowed("with a test key only test credits are granted", scopes=[])
    payer, subject = Payer(new.org, test=new.test), f"grant:{new_id()}"

    def work(connection: Connection) -> None:
        at = utc_now()
        if idempotency_key is not None:
            taken = once(
                connection,
                idempotency_key,
                org=principal.org,
                test=principal.test,
                scope="grants",
                request=fingerprint(new.model_dump(mode="json")),
                result=subject,
                at=at,
            )
            if taken is not None:
                return
        ledger.grant(connection, payer, new.credits, subject=subject, at=at)

    await server.store.write(work)
    return await _balance(server, payer)


async def _balance(server: Context, payer: Payer) -> Balance:
    found = await server.store.read(lambda c: ledger.summary(c, payer))
    return Balance(
        available=found.available,
        reserved=found.reserved,
        total_used=found.used,
        total_purchased=found.granted,
        org=payer.org,
        test=payer.test,
    )
