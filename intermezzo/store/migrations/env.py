"""Alembic's entry: runs the revisions on the connection that `upgrade` holds."""

from alembic import context
from sqlalchemy import Connection

from intermezzo.store.tables import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
