"""Run by Alembic inside the transaction `medstack.db.migrate` opened."""

from alembic import context

from medstack.db.migrate import TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    version_table=TABLE,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
