"""Run the migrations on the connection of `ledger.schema`."""

from alembic import context

from ci_operators.ledger.tables import metadata
from ci_operators.ledger.version import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
