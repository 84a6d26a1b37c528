"""A post's way, one module per hop."""
