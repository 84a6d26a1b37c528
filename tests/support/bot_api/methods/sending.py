"""What posts: sendMessage, sendPhoto, sendDocument, sendMediaGroup, sendChatAction."""

from __future__ import annotations

from typing import Any

from tests.support.bot_api import pictures
from tests.support.bot_api.calls import Call, method
from tests.support.bot_api.chats import Chat
from tests.support.bot_api.keyboards import read_markup
from tests.support.bot_api.messages import Message, Stored
from tests.support.bot_api.refusals import bad_request
from tests.support.bot_api.texts import caption, message_text

UPLOAD_LIMITS = {"photo": 10 * 1024 * 1024, "document": 50 * 1024 * 1024}
"""core.telegram.org/bots/api#sending-files."""
ALBUM = range(2, 11)
"""core.telegram.org/bots/api#sendmediagroup: "must include 2-10 items"."""
ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)


@method("sendMessage")
async def send_message(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#sendmessage."""
    rich = message_text(call.text("text"), call.text("parse_mode"), call.json("entities"))
    markup = read_markup(call.text("reply_markup"))
    return _post(call, call.chat(), "text", [{"rich": rich, "markup": markup}])[0]


@method("sendPhoto")
async def send_photo(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#sendphoto."""
    return _send_file(call, "photo")


@method("sendDocument")
async def send_document(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#senddocument."""
    return _send_file(call, "document")


@method("sendMediaGroup")
async def send_media_group(call: Call) -> list[dict[str, Any]]:
    """core.telegram.org/bots/api#sendmediagroup: photos, or documents by themselves; no buttons."""
    chat = call.chat()
    media = call.json("media", [])
    if not isinstance(media, list) or len(media) not in ALBUM:
        raise bad_request("wrong number of messages to send as an album; 2-10 are needed")
    kinds = {item.get("type") for item in media}
    if not kinds <= UPLOAD_LIMITS.keys():
        raise bad_request("can't use the media of the specified type in the album")
    if len(kinds) > 1:
        raise bad_request("document can't be mixed with other media types")
    album = f"1{call.network.next_number():016}"
    items = [
        {
            "file": _file(call, item["type"], item.get("media", "")),
            "rich": caption(
                item.get("caption", ""), item.get("parse_mode", ""), item.get("caption_entities")
            ),
            "album": album,
        }
        for item in media
    ]
    return _post(call, chat, kinds.pop(), items)


@method("sendChatAction")
async def send_chat_action(call: Call) -> bool:
    """core.telegram.org/bots/api#sendchataction."""
    call.chat().check_access()
    if call.text("action").lower() not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    return True


def _send_file(call: Call, kind: str) -> dict[str, Any]:
    chat = call.chat()
    item = {
        "file": _file(call, kind, call.text(kind)),
        "rich": caption(call.text("caption"), call.text("parse_mode"), call.json("caption_entities")),
        "markup": read_markup(call.text("reply_markup")),
    }
    return _post(call, chat, kind, [item])[0]


def _post(call: Call, chat: Chat, what: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Post one message, or an album, if the chat takes it."""
    reply_to = _replied(call, chat)
    topic_id = call.number("message_thread_id")
    if chat.forum and not topic_id and reply_to is not None:
        # A reply goes where the message is that it answers.
        topic_id = reply_to.topic_id
    chat.check_writing(what, topic_id)
    call.network.limits.count(chat.id, call.network.now(), len(items))
    silent = call.flag("disable_notification")
    posted = [
        chat.post(call.network.bot, reply_to=reply_to, topic_id=topic_id, silent=silent, **item)
        for item in items
    ]
    return [message.json() for message in posted]


def _replied(call: Call, chat: Chat) -> Message | None:
    """core.telegram.org/bots/api#replyparameters; a reply into another chat is not known here."""
    given = call.json("reply_parameters", {})
    if not given:
        return None
    if "message_id" not in given:
        raise bad_request('can\'t find field "message_id"')
    message_id = given["message_id"]
    message = chat.every_message.get(message_id)
    if message is not None and not message.deleted:
        return message
    if given.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def _file(call: Call, kind: str, reference: str) -> Stored:
    """An upload under the parameter's own name or ``attach://``, or a file that is on the server.

    core.telegram.org/bots/api#sending-files. URLs are refused: this server reaches nobody.
    """
    name = reference.removeprefix("attach://") if reference.startswith("attach://") else kind
    upload = call.uploads.get(name)
    if upload is None:
        if not reference:
            raise bad_request(f"there is no {kind} in the request")
        if reference not in call.network.files or call.network.files[reference].kind != kind:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return call.network.files[reference]
    size = len(upload.content)
    if not size:
        raise bad_request("file must be non-empty")
    if size > UPLOAD_LIMITS[kind]:
        most = UPLOAD_LIMITS[kind]
        raise bad_request(
            f"file of size {size} bytes is too big for a {kind}; the maximum size is {most} bytes"
        )
    if kind == "photo":
        pictures.check(upload.content)
    return call.network.store(kind, upload.name, upload.content_type, upload.content)
