"""Every rule of Meta's that the simulator enforces, with its limit and the code it answers.

Sources: Meta's Cloud API reference (Messages, Media, Message Templates, Error Codes, Throughput)
and its OpenAPI description, 2025-2026 copies. Lengths are Unicode code points. Where Meta is
laxer than we want to be, the rule says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, NamedTuple, Optional, Tuple


class ErrorKind(NamedTuple):
    title: str
    http_status: int = 400


# Titles and HTTP statuses of Meta's "Error codes" page.
ERRORS: Dict[int, ErrorKind] = {
    0: ErrorKind("AuthException", 401),
    1: ErrorKind("An unknown error occurred", 500),
    2: ErrorKind("Service temporarily unavailable", 503),
    3: ErrorKind("Application does not have the capability to make this API call", 403),
    4: ErrorKind("Application request limit reached"),
    10: ErrorKind("Application does not have permission for this action", 403),
    100: ErrorKind("Invalid parameter"),
    190: ErrorKind("Invalid OAuth access token - Cannot parse access token", 401),
    200: ErrorKind("Permissions error", 403),
    368: ErrorKind("Temporarily blocked for policies violations", 403),
    80007: ErrorKind("Rate limit issues"),
    130403: ErrorKind("Business is not allowed to message this user", 403),
    130429: ErrorKind("Rate limit hit"),
    130472: ErrorKind("User's number is part of an experiment"),
    131000: ErrorKind("Something went wrong", 500),
    131005: ErrorKind("Access denied", 403),
    131008: ErrorKind("Required parameter is missing"),
    131009: ErrorKind("Parameter value is not valid"),
    131016: ErrorKind("Service unavailable", 503),
    131021: ErrorKind("Recipient cannot be sender"),
    131026: ErrorKind("Message undeliverable"),
    131031: ErrorKind("Business Account locked", 403),
    131042: ErrorKind("Business eligibility payment issue"),
    131045: ErrorKind("Incorrect certificate", 500),
    131047: ErrorKind("Re-engagement message"),
    131048: ErrorKind("Spam Rate limit hit"),
    131049: ErrorKind("This message was not delivered to maintain healthy ecosystem engagement"),
    131050: ErrorKind("User has stopped receiving marketing messages from your business"),
    131051: ErrorKind("Unsupported message type"),
    131052: ErrorKind("Media download error"),
    131053: ErrorKind("Media upload error"),
    131056: ErrorKind("(Business Account, Consumer Account) pair rate limit hit"),
    131057: ErrorKind("Account in maintenance mode", 500),
    132000: ErrorKind("Number of parameters does not match the expected number of params"),
    132001: ErrorKind("Template name does not exist in the translation", 404),
    132005: ErrorKind("Translated text too long"),
    132007: ErrorKind("Template format character policy violated"),
    132012: ErrorKind("Parameter format does not match format in the created template"),
    132015: ErrorKind("Template is paused"),
    132016: ErrorKind("Template is disabled"),
    132018: ErrorKind("There is an issue with the parameters in your template"),
    133004: ErrorKind("Server temporarily unavailable", 503),
}


@dataclass(frozen=True)
class Rule:
    """`says` is the detail Meta would give; `{limit}` and `{what}` are filled in."""

    name: str
    code: int
    says: str
    limit: Optional[float] = None
    subcode: Optional[int] = None


MB = 1024 * 1024
DAY = 24 * 3600.0

# --- who may ask ---
TOKEN = Rule("token", 190, "The access token is missing or not this number's.")
OBJECT_ID = Rule(
    "object id",
    100,
    "Unsupported request. Object with ID '{what}' does not exist, cannot be loaded due to "
    "missing permissions, or does not support this operation",
    subcode=33,
)

# --- any message ---
JSON_OBJECT = Rule("json object", 100, "The body must be one JSON object.")
MISSING = Rule("missing field", 100, "The parameter {what} is required.")
UNKNOWN = Rule("unknown field", 100, 'Unexpected key "{what}".')
SHAPE = Rule("wrong shape", 100, "Param {what} has the wrong type.")
PRODUCT = Rule("messaging_product", 100, "Param messaging_product must be one of {{WHATSAPP}}.")
RECIPIENT_TYPE = Rule("recipient_type", 100, "Param recipient_type must be one of {{INDIVIDUAL}}.")
# Meta lets `to` win when both are given; sending both is a sender's mistake, so it is refused here.
ONE_RECIPIENT = Rule("one recipient", 100, "Give exactly one of to and recipient.")
PHONE_FORM = Rule("phone form", 131009, "to is not a phone number: {limit} digits at most.", 15)
BSUID_FORM = Rule("bsuid form", 131009, "recipient is CC. and at most {limit} alphanumerics.", 128)
CALLBACK_DATA = Rule(
    "biz_opaque_callback_data",
    131009,
    "biz_opaque_callback_data must be at most {limit} characters.",
    512,
)
TYPE = Rule("type", 100, "Param type must be one of the types that can be sent; got {what}.")
RECEIVE_ONLY = Rule("receive-only type", 131051, "Messages of type {what} can only be received.")
READ_TARGET = Rule("read target", 131009, "message_id is not a message this number received.")
READ_STATUS = Rule("read status", 100, "Param status must be one of {{READ}}.")
TYPING = Rule("typing type", 100, "Param typing_indicator['type'] must be one of {{TEXT}}.")

# --- text, media, location, contacts, reaction ---
TEXT_EMPTY = Rule("text empty", 100, "Param text['body'] must be at least 1 characters long.")
TEXT_LONG = Rule(
    "text long", 100, "Param text['body'] must be at most {limit} characters long.", 4096
)
MEDIA_SOURCE = Rule("media source", 100, "Give exactly one of id and link in {what}.")
MEDIA_HTTPS = Rule("media https", 131009, "The link in {what} must be an https address.")
MEDIA_UNKNOWN = Rule("media unknown", 131053, "No uploaded media has the id in {what}.")
MEDIA_KIND = Rule("media kind", 131053, "The uploaded file cannot be sent as {what}.")
CAPTION_LONG = Rule("caption long", 131009, "caption must be at most {limit} characters.", 1024)
FILENAME_LONG = Rule("filename long", 131009, "filename must be at most {limit} characters.", 240)
COORDINATES = Rule("coordinates", 131009, "{what} is not on the globe.")
PLACE_LONG = Rule("place long", 131009, "{what} must be at most {limit} characters.", 1000)
CONTACTS_COUNT = Rule("contacts count", 131009, "Send 1 to {limit} contacts.", 257)
CONTACT_NAME = Rule(
    "contact name", 131009, "A contact's name needs formatted_name and one part besides it."
)
EMOJI = Rule("emoji", 131009, "reaction.emoji must be one emoji or empty.", 16)

# --- interactive ---
INTERACTIVE_TYPE = Rule("interactive type", 131009, "Interactive type {what} is not known.")
BODY_EMPTY = Rule("body empty", 131009, "Interactive body text must not be empty.")
BUTTONS_BODY = Rule("buttons body", 131009, "Body text must be at most {limit} characters.", 1024)
LIST_BODY = Rule("list body", 131009, "List body text must be at most {limit} characters.", 4096)
HEADER_LONG = Rule("header long", 131009, "Header text length: 1 to {limit}.", 60)
HEADER_KIND = Rule("header kind", 131009, "A {what} message cannot have this header.")
FOOTER_LONG = Rule("footer long", 131009, "Footer text length: 1 to {limit}.", 60)
BUTTON_COUNT = Rule(
    "button count", 131009, "Invalid buttons count. Min allowed: 1, max allowed: {limit}", 3
)
BUTTON_TYPE = Rule("button type", 131009, "Button type must be reply.")
BUTTON_TITLE = Rule(
    "button title", 131009, "Button title length invalid. Min length: 1, max length: {limit}", 20
)
BUTTON_ID = Rule(
    "button id", 131009, "Button id length invalid. Min length: 1, max length: {limit}", 256
)
BUTTON_TITLE_TWICE = Rule("button title twice", 131009, "Duplicated title in buttons.")
BUTTON_ID_TWICE = Rule("button id twice", 131009, "Duplicated id in buttons.")
LIST_BUTTON = Rule("list button", 131009, "List button label length: 1 to {limit}.", 20)
SECTION_COUNT = Rule("section count", 131009, "Sections count: 1 to {limit}.", 10)
SECTION_TITLE = Rule(
    "section title",
    131009,
    "Section title is needed with several sections, length 1 to {limit}.",
    24,
)
ROW_COUNT = Rule("row count", 131009, "Total row count must be 1 to {limit}.", 10)
ROW_TITLE = Rule("row title", 131009, "Row title length: 1 to {limit}.", 24)
ROW_DESCRIPTION = Rule("row description", 131009, "Row description length: 1 to {limit}.", 72)
ROW_ID = Rule("row id", 131009, "Row id length: 1 to {limit}.", 200)
ROW_ID_TWICE = Rule("row id twice", 131009, "Duplicated row id: {what}.")
CTA_LABEL = Rule("cta label", 131009, "display_text length: 1 to {limit}.", 20)
CTA_HTTPS = Rule("cta https", 131009, "url must be a valid https address.")
ACTION_NAME = Rule("action name", 131009, "action.name must be {what}.")

# --- templates, when sent ---
TEMPLATE_UNKNOWN = Rule("template unknown", 132001, "template name ({what}) does not exist")
TEMPLATE_COUNT = Rule("template count", 132000, "{what}")
TEMPLATE_FORMAT = Rule("template format", 132012, "{what}")
TEMPLATE_BUTTON = Rule("template button", 131009, "{what}")
TEMPLATE_URL_SUFFIX = Rule("template url suffix", 131008, "{what} requires a parameter")
TEMPLATE_PARAM_SPACES = Rule(
    "template parameter spaces",
    100,
    "Param text cannot have new-line/tab characters or more than {limit} consecutive spaces",
    4,
)
TEMPLATE_PAUSED = Rule("template paused", 132015, "Template is paused due to low quality.")
TEMPLATE_DISABLED = Rule("template disabled", 132016, "Template has been paused too many times.")
TEMPLATE_LONG = Rule("template long", 132005, "Body after substitution exceeds {limit}.", 1024)
TEMPLATE_PAYLOAD = Rule("template payload", 131009, "payload length: 1 to {limit}.", 128)

# --- templates, when created ---
TEMPLATE_NAME = Rule(
    "template name", 100, "name may have a-z, 0-9 and _ only, at most {limit}.", 512
)
TEMPLATE_CATEGORY = Rule(
    "template category", 100, "category must be UTILITY, MARKETING or AUTHENTICATION."
)
TEMPLATE_TWICE = Rule(
    "template twice", 100, "There is already content in this language.", subcode=2388024
)
TEMPLATE_COMPONENT = Rule("template component", 100, "{what}")
TEMPLATE_TEXT = Rule("template text", 100, "{what}")
TEMPLATE_EXAMPLE = Rule(
    "template example", 100, "Component {what} has variables but no example.", subcode=2388043
)
TEMPLATE_EDGES = Rule(
    "template edges", 100, "Variables can't be at the start or end of the body.", subcode=2388299
)
# the texts and subcodes of these four are not published; the rules are
TEMPLATE_IN_REVIEW = Rule(
    "template in review", 100, "Only approved, rejected or paused templates can be edited."
)
TEMPLATE_CATEGORY_FIXED = Rule(
    "template category fixed", 100, "The category of an approved template cannot be edited."
)
TEMPLATE_EDITS_A_DAY = Rule(
    "template edits a day", 100, "An approved template can be edited {limit} time in 24 hours.", 1
)
TEMPLATE_EDITS_A_MONTH = Rule(
    "template edits a month",
    100,
    "An approved template can be edited {limit} times in 30 days.",
    10,
)
TEMPLATE_BUTTONS = Rule("template buttons", 100, "At most {limit} buttons, label 1 to 25.", 10)

# --- media ---
MEDIA_TYPE = Rule("media type", 100, "Param file must be of a supported type; got {what}.")
MEDIA_SIZE = Rule("media size", 131053, "{what} is larger than WhatsApp takes.")

# --- who may be written to, and how fast ---
NOT_ON_WHATSAPP = Rule("not on whatsapp", 131026, "The recipient is not a WhatsApp user.")
WINDOW = Rule(
    "window",
    131047,
    "Message failed to send because more than 24 hours have passed since the customer last "
    "replied to this number.",
    DAY,
)
MARKETING_STOPPED = Rule("marketing stopped", 131050, "The recipient opted out of marketing.")
NUMBER_RATE = Rule("number rate", 130429, "Cloud API message throughput has been reached.", 80)
PAIR_RATE = Rule("pair rate", 131056, "Too many messages to the same recipient in a short time.")

ALL: Tuple[Rule, ...] = tuple(value for value in globals().values() if isinstance(value, Rule))

# Lifetimes of media ids and of the address a media id resolves to.
UPLOAD_LIVES = 30 * DAY
INBOUND_MEDIA_LIVES = 7 * DAY
MEDIA_URL_LIVES = 5 * 60.0
TYPING_SHOWN = 25.0

# MIME types and sizes of Meta's "Supported media types".
MEDIA_TYPES: Dict[str, Tuple[int, Tuple[str, ...]]] = {
    "image": (5 * MB, ("image/jpeg", "image/png")),
    "sticker": (500 * 1024, ("image/webp",)),
    "audio": (16 * MB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")),
    "video": (16 * MB, ("video/mp4", "video/3gpp")),
    "document": (
        100 * MB,
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    ),
}
