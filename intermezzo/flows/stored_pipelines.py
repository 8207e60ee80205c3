"""The versions of pipelines: every document that was ever stored, so that a run keeps the one it began with."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from intermezzo.errors import PipelineNotFound
from intermezzo.ledger import Payer
from intermezzo.pipelines import Plan, plan_of
from intermezzo.store import insert_into
from intermezzo.store.tables import pipelines


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPipeline:
    """One version of a pipeline."""

    org: str
    test: bool
    """It was stored with a test key: live runs never see it."""
    name: str
    version: int
    """Counted from 1."""
    digest: str
    document: str
    """As canonical JSON."""
    created_at: datetime

    def plan(self) -> Plan:
        """The document, checked against the step types of this process.

        Raises:
            InvalidPipeline: a step type is not there, or is not what it was when the document was stored.
        """
        return plan_of(json.loads(self.document))


def keep(connection: Connection, payer: Payer, plan: Plan, *, at: datetime) -> StoredPipeline:
    """Store a pipeline as the next version; the same document again is the version that it is already."""
    name = plan.document.name
    while True:
        same = select(pipelines).where(_named(payer, name), pipelines.c.digest == plan.digest)
        if (found := connection.execute(same).mappings().one_or_none()) is not None:
            return StoredPipeline(**found)
        newest = connection.scalar(select(func.max(pipelines.c.version)).where(_named(payer, name))) or 0
        row = {"org": payer.org, "test": payer.test, "name": name, "version": newest + 1, "digest": plan.digest}
        # Another process may be giving out the same number: then whoever comes second tries the next.
        new = insert_into(connection, pipelines).on_conflict_do_nothing()
        connection.execute(new, [{**row, "document": plan.text, "created_at": at}])


def find(connection: Connection, payer: Payer, name: str, version: int | None = None) -> StoredPipeline:
    """A version of a pipeline; without a number, the newest.

    Raises:
        PipelineNotFound: this organisation has none such.
    """
    query = select(pipelines).where(_named(payer, name)).order_by(pipelines.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(pipelines.c.version == version)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        what = "pipeline" if version is None else f"version {version} of a pipeline"
        raise PipelineNotFound(f"{payer.org} has no {what} {name!r}")
    return StoredPipeline(**found)


def newest(
    connection: Connection, payer: Payer, *, after: str | None = None, limit: int | None = None
) -> list[StoredPipeline]:
    """The newest version of each pipeline, by name.

    Args:
        after: name of the last pipeline of the page before.
        limit: most to return; None: all.
    """
    last = (
        select(pipelines.c.name, func.max(pipelines.c.version).label("version"))
        .where(_of(payer), *([] if after is None else [pipelines.c.name > after]))
        .group_by(pipelines.c.name)
        .order_by(pipelines.c.name)
        .limit(limit)
        .subquery()
    )
    query = (
        select(pipelines)
        .join(last, (last.c.name == pipelines.c.name) & (last.c.version == pipelines.c.version))
        .where(_of(payer))
        .order_by(pipelines.c.name)
    )
    return [StoredPipeline(**row) for row in connection.execute(query).mappings()]


def versions(
    connection: Connection,
    payer: Payer,
    name: str | None = None,
    *,
    before: int | None = None,
    limit: int | None = None,
) -> list[StoredPipeline]:
    """All versions of all pipelines, or of one, by name, the newest first.

    Args:
        name: of one pipeline.
        before: the last version of the page before.
        limit: most to return; None: all.
    """
    query = select(pipelines).where(_of(payer) if name is None else _named(payer, name)).limit(limit)
    if before is not None:
        query = query.where(pipelines.c.version < before)
    rows = connection.execute(query.order_by(pipelines.c.name, pipelines.c.version.desc())).mappings()
    return [StoredPipeline(**row) for row in rows]


def _of(payer: Payer) -> ColumnElement[bool]:
    return (pipelines.c.org == payer.org) & (pipelines.c.test == payer.test)


def _named(payer: Payer, name: str) -> ColumnElement[bool]:
    return _of(payer) & (pipelines.c.name == name)
