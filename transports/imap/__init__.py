"""A mailbox read over IMAP (RFC 3501): connection, data, answers and IDLE, each a layer of its own."""
