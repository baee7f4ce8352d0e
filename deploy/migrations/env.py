"""Runs the migrations as `astero_owner`, on the connection that `astero migrate` hands over."""

from alembic import context

from astero_shared.db.registry import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    transaction_per_migration=True,
)

with context.begin_transaction():
    context.run_migrations()
