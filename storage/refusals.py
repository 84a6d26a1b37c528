"""What a moderator is told who comes too late."""

from __future__ import annotations

from bot.core.errors import AlreadyDecided, UserError
from bot.core.posts import PostState
from bot.core.text import N_, Text
from storage.rows import PostRow

_BY_PERSON = {
    PostState.ACCEPTED: N_("already distributed by {who} at {at}"),
    PostState.DISTRIBUTED: N_("already distributed by {who} at {at}"),
    PostState.REJECTED: N_("already rejected by {who} at {at}"),
    PostState.DISCARDED: N_("already rejected silently by {who} at {at}"),
}
_BY_RULE = {
    PostState.ACCEPTED: N_("already distributed at {at}, without moderation"),
    PostState.DISTRIBUTED: N_("already distributed at {at}, without moderation"),
    PostState.DISCARDED: N_("set aside at {at} by the rule {who}: /undo brings it back"),
}
_OTHERWISE = {
    PostState.RECEIVED: N_("still being screened: try again in a moment"),
    PostState.EXPIRED: N_("expired: nobody decided in time"),
    PostState.HELD: N_("this button is of an earlier decision: the newest card counts"),
}


def already_decided(post: PostRow) -> AlreadyDecided:
    """Why a decision on `post` came too late."""
    state = PostState(post.state)
    by_whom = _BY_PERSON if post.decided_by_id else _BY_RULE
    if post.decided_at is None or state not in by_whom:
        return AlreadyDecided(Text(_OTHERWISE[state if state in _OTHERWISE else PostState.HELD]))
    return AlreadyDecided(Text(by_whom[state], who=post.decided_by_name, at=post.decided_at))


def nothing_to_undo(post: PostRow) -> UserError:
    """Why the state of `post` cannot be taken back."""
    match PostState(post.state):
        case PostState.HELD | PostState.RECEIVED:
            return UserError(Text("Nothing was decided about post {id} yet", id=post.id))
        case PostState.EXPIRED:
            return UserError(Text("Post {id} has expired: ask its author to send it again", id=post.id))
        case PostState.ACCEPTED:
            return UserError(Text("Post {id} needed no decision: /stop ends its distribution", id=post.id))
        case _:
            return too_late(post)


def too_late(post: PostRow) -> UserError:
    """Mail has left already."""
    return UserError(Text("Too late for post {id}: the first mail has left already", id=post.id))
