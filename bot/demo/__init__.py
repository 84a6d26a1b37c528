"""`facteur demo`: the whole way of a post on this machine, with nothing to configure."""
