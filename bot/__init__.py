"""facteur: a mailbox as a moderated mailing list. ``docs/flow.md`` shows the way of a post."""
