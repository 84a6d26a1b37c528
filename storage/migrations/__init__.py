"""Schema changes in order; see ``storage/migrate.py``."""
