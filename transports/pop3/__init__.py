"""A mailbox read over POP3 (RFC 1939): client, session and the port `Mailbox`, each a layer of its own."""
