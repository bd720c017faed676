"""Sources in SQL databases: SQLModel mappings of schemas that are not ours, read into records.

The same code serves SQLite and PostgreSQL.
"""
