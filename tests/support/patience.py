"""How long a test waits for what must happen before it says that it does not."""

WAIT_S = 60.0
"""Much longer than anything takes, also on a machine that does other work: nothing is measured by it."""
