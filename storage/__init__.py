"""Rows, migrations and stores; rows never leave."""
