"""Alembic's entry: runs on the connection that `counsel.core.migrations` hands over.

SQLite rebuilds tables with foreign keys off, outside a transaction, and checks them afterwards: with them on, dropping
the old table would silently delete the rows that refer to it.
"""

from alembic import context

from counsel.core.database import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
