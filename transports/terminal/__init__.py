"""The terminal as a room: redrawn in place on a terminal, line by line in a pipe."""
