"""Matrix rooms, plain or encrypted; imported only where the configuration has ``[matrix]``."""
