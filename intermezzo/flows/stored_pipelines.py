"""The versions of pipelines: every document that was ever stored, so that a run keeps the one it began with."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from intermezzo.errors import DefinitionError
from intermezzo.pipelines import Plan, plan_of
from intermezzo.store import insert_into
from intermezzo.store.tables import pipelines


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPipeline:
    """One version of a pipeline."""

    org: str
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


def keep(connection: Connection, org: str, plan: Plan, *, at: datetime) -> StoredPipeline:
    """Store a pipeline as the next version; the same document again is the version that it is already."""
    name = plan.document.name
    mine = (pipelines.c.org == org, pipelines.c.name == name)
    while True:
        same = select(pipelines).where(*mine, pipelines.c.digest == plan.digest)
        if (found := connection.execute(same).mappings().one_or_none()) is not None:
            return StoredPipeline(**found)
        newest = connection.scalar(select(func.max(pipelines.c.version)).where(*mine)) or 0
        row = {"org": org, "name": name, "version": newest + 1, "digest": plan.digest, "document": plan.text}
        # Another process may be giving out the same number: then whoever comes second tries the next.
        connection.execute(insert_into(connection, pipelines).on_conflict_do_nothing(), [{**row, "created_at": at}])


def find(connection: Connection, org: str, name: str, version: int) -> StoredPipeline:
    """A version of a pipeline.

    Raises:
        DefinitionError: this organisation has none such.
    """
    query = select(pipelines).where(pipelines.c.org == org, pipelines.c.name == name, pipelines.c.version == version)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise DefinitionError(f"{org} has no version {version} of a pipeline {name!r}")
    return StoredPipeline(**found)


def versions(connection: Connection, org: str, name: str | None = None) -> list[StoredPipeline]:
    """All versions of all pipelines, or of one, by name, the newest first."""
    query = select(pipelines).where(pipelines.c.org == org)
    if name is not None:
        query = query.where(pipelines.c.name == name)
    rows = connection.execute(query.order_by(pipelines.c.name, pipelines.c.version.desc())).mappings()
    return [StoredPipeline(**row) for row in rows]
