"""Alembic's environment and its revisions; see `medstack.db.migrate`."""
