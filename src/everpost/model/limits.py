"""Every bound of the system, by name. Each refusal that one of them causes says its value."""

from typing import Final

# What a client may submit
BODY_BYTES_MAX: Final = 36 * 1024 * 1024  # one HTTP request: 25 MiB of attachments in base64, and room for the text
CONTENT_BYTES_MAX: Final = 25 * 1024 * 1024  # text, html, decoded attachments; Mailgun's cap, the smaller one
RECIPIENTS_MAX: Final = 1000  # to + cc + bcc; the cap of SendGrid and of Mailgun
REPLY_TO_MAX: Final = 10
ATTACHMENTS_MAX: Final = 100
HEADERS_MAX: Final = 100
HEADER_VALUE_CHARS_MAX: Final = 998  # RFC 5322 2.1.1: a line without its CRLF
HEADER_NAME_CHARS_MAX: Final = 76
SUBJECT_CHARS_MAX: Final = 998
NAME_CHARS_MAX: Final = 320
ADDRESS_CHARS_MAX: Final = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
LOCAL_PART_CHARS_MAX: Final = 64  # RFC 5321 4.5.3.1.1
FILENAME_CHARS_MAX: Final = 255
TAGS_MAX: Final = 10  # SendGrid's number of categories
TAG_CHARS_MAX: Final = 128  # Mailgun's length of a tag
METADATA_KEYS_MAX: Final = 50
METADATA_KEY_CHARS_MAX: Final = 64
METADATA_BYTES_MAX: Final = 8 * 1024  # SendGrid takes 10,000 bytes; ours go beside the caller's
PROVIDER_OPTIONS_BYTES_MAX: Final = 64 * 1024  # as JSON
PROVIDER_OPTIONS_DEPTH_MAX: Final = 32
SEND_AT_AHEAD_S_MAX: Final = 365 * 86_400
EXPIRES_AHEAD_S_MAX: Final = 2 * 365 * 86_400
RESOLVE_WITHIN_S_MAX: Final = 7 * 86_400
IDEMPOTENCY_KEY_CHARS_MAX: Final = 256
WAIT_S_MAX: Final = 60  # Prefer: wait=N

# What is read back
PAGE_MAX: Final = 200
PAGE_DEFAULT: Final = 50
EVENTS_PAGE_MAX: Final = 1000

# What the engine holds and repeats
CLAIM_MAX: Final = 256  # deliveries taken from the queue at once
ACTIVE_MAX: Final = 1024  # deliveries in the hands of one process
COMMIT_MAX: Final = 512  # operations that share one commit
PENDING_WRITES_MAX: Final = 20_000  # operations that may wait for a commit; beyond it: 503 and Retry-After
LOOKUP_REQUESTS_MAX: Final = 12  # requests to a provider for one question
REASON_CHARS_MAX: Final = 500  # a provider's own words, as kept
RESOLVING_MAX: Final = 64  # questions that one process asks at the same time
RELAY_BATCH_MAX: Final = 500  # events handed to a sink at once

# What a provider may answer
ANSWER_HEAD_BYTES_MAX: Final = 64 * 1024
ANSWER_BODY_BYTES_MAX: Final = 4 * 1024 * 1024
