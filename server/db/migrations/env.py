"""Alembic's entry: walks the revisions over its caller's connection, in its transaction."""

from alembic import context

from server.db.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    compare_server_default=False,
)
context.run_migrations()
