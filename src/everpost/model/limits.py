"""Every bound of the system, by name. Each refusal that one of them causes says its value."""

from typing import Final

# What a client may submit
BODY_BYTES_MAX: Final = 36 * 1024 * 1024  # one HTTP request: 25 MiB of attachments in base64, and room for the text
CONTENT_BYTES_MAX: Final = 25 * 1024 * 1024  # text, html, decoded attachments; Mailgun's cap, the smaller one
RECIPIENTS_MAX: Final = 1000  # to + cc + bcc; the cap of SendGrid and of Mailgun
REPLY_TO_MAX: Final = 10  # addresses for answers
ATTACHMENT_IN_STORE_BYTES_MAX: Final = 64 * 1024  # a larger one lies where `attachments` says, if it says anything
ATTACHMENTS_MAX: Final = 100  # files of one mail
HEADERS_MAX: Final = 100  # further headers of one mail
HEADER_VALUE_CHARS_MAX: Final = 998  # RFC 5322 2.1.1: a line without its CRLF
RAW_HEAD_BYTES_MAX: Final = 256 * 1024  # header fields of a mail that goes out as it stands
RAW_LINE_BYTES_MAX: Final = 998  # a line of such a mail, without its CRLF (RFC 5322 2.1.1)
HEADER_NAME_CHARS_MAX: Final = 76  # with its colon within the 78 of a folded line (RFC 5322 2.1.1)
SUBJECT_CHARS_MAX: Final = 998  # as any header
NAME_CHARS_MAX: Final = 320  # the name in an address
ADDRESS_CHARS_MAX: Final = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
LOCAL_PART_CHARS_MAX: Final = 64  # RFC 5321 4.5.3.1.1
FILENAME_CHARS_MAX: Final = 255  # as long as file systems have them; content types and content ids, too
TAGS_MAX: Final = 10  # of one mail; SendGrid's number of categories
TAG_CHARS_MAX: Final = 128  # Mailgun's length of a tag
METADATA_KEYS_MAX: Final = 50  # entries of metadata
METADATA_KEY_CHARS_MAX: Final = 64  # the name of one of them
METADATA_BYTES_MAX: Final = 8 * 1024  # SendGrid takes 10,000 bytes; ours go beside the caller's
PROVIDER_OPTIONS_BYTES_MAX: Final = 64 * 1024  # provider_options as JSON
PROVIDER_OPTIONS_DEPTH_MAX: Final = 32  # levels of objects and lists
SEND_AT_AHEAD_S_MAX: Final = 365 * 86_400  # how far ahead a mail may be scheduled
EXPIRES_AHEAD_S_MAX: Final = 2 * 365 * 86_400  # how far ahead it may expire
RESOLVE_WITHIN_S_MAX: Final = 7 * 86_400  # how long certainty may be looked for
IDEMPOTENCY_KEY_CHARS_MAX: Final = 256  # the header Idempotency-Key
WAIT_S_MAX: Final = 60  # the header Prefer: wait=N

# What one request of a provider's own SDK may bring
MAILS_MAX: Final = 1000  # mails of one request; SendGrid's number of personalizations
MAILS_BYTES_MAX: Final = 4 * CONTENT_BYTES_MAX  # content of these mails, each counted whole
GROUP_MAILS_MAX: Final = 10_000  # mails of one batch id
SUBSTITUTION_NAME_CHARS_MAX: Final = 100  # of what a recipient's own words stand in for
SUBSTITUTION_NAMES_CHARS_MAX: Final = 256 * 1024  # of all such names, those that recipients share once; it takes 0.3 s
SUBSTITUTION_STEPS_MAX: Final = 50_000_000  # to find such names in the texts of one request: some 0.8 s
SAME_MAIL_WINDOW_S_MAX: Final = 3600  # how long the same mail again may count as a repetition

# How much of a client's request is read, and for how long it is waited for
CONNECTIONS_MAX: Final = 10_000  # at once; at most half of the files that the system allows. More: the longest idle go
REQUEST_HEAD_BYTES_MAX: Final = 64 * 1024  # request line and headers
REQUEST_HEADERS_MAX: Final = 100  # lines of them
REQUEST_HEAD_S_MAX: Final = 10  # until they are there, from the connection or from the answer before
REQUEST_BODY_S_MAX: Final = 120  # until the body is there, from its headers
REQUEST_WIRE_BYTES_MAX: Final = 2 * BODY_BYTES_MAX  # the body with its chunks and trailers
PIPELINED_MAX: Final = 32  # requests of one connection that wait for the answers before theirs
ANSWER_READ_S_MAX: Final = 60  # how long a client may read nothing of an answer that is too large for the buffers
JSON_VALUES_MAX: Final = 50_000  # values in one body; in memory each takes some hundred bytes

# How much is done for clients at the same time
ACCEPTING_MAX: Final = 128  # requests whose mail is being stored; beyond it: 503 and Retry-After
ACCEPTING_BURST_MAX: Final = 512  # such requests above that, for a moment: they may wait, a standing queue may not
WAITING_CALLERS_MAX: Final = 1024  # requests that wait for a hand-over; the others are answered without waiting
BODIES_BYTES_MAX: Final = 4 * BODY_BYTES_MAX  # bodies of all requests that are worked on; beyond it: 503
WAITING_BYTES_MAX: Final = BODIES_BYTES_MAX // 2  # of these, bodies of those who wait for a hand-over
IN_LOOP_BYTES_MAX: Final = 256 * 1024  # of a mail that is worked on in the event loop, where all wait for it: some 2 ms

# Mail that comes by SMTP
SMTP_CONNECTIONS_MAX: Final = 1000  # of one process; more: the oldest that has not logged in goes
SMTP_MESSAGE_BYTES_MAX: Final = BODY_BYTES_MAX  # one mail as it is sent, with its base64
SMTP_BODIES_BYTES_MAX: Final = BODIES_BYTES_MAX // 2  # of all mails that are being read; beyond it: 452
SMTP_COMMAND_BYTES_MAX: Final = 12_288  # one command with its CRLF: a login may be so long (RFC 4954 4)
SMTP_LINE_BYTES_MAX: Final = 64 * 1024  # a line of the content; RFC 5321 has 1000, and many clients don't care
SMTP_LOGIN_S_MAX: Final = 60  # from the connection to a login
SMTP_COMMAND_S_MAX: Final = 300  # until the next command is there, whole (RFC 5321 4.5.3.2.7)
SMTP_CONTENT_S_MAX: Final = 600  # from the reply to DATA to the final dot
SMTP_HANDSHAKE_S_MAX: Final = 10  # of TLS
SMTP_MAILS_MAX: Final = 1000  # of one connection; then 421, and the client comes again
SMTP_COMMANDS_MAX: Final = 100  # commands in a row that bring no mail nearer (NOOP, RSET, EHLO)
SMTP_FAULTS_MAX: Final = 50  # commands of one connection that were refused
SMTP_LOGIN_FAULTS_MAX: Final = 3  # logins of one connection that were refused
MIME_HEAD_BYTES_MAX: Final = 256 * 1024  # header of a mail or of a part
MIME_PARTS_MAX: Final = 250  # parts of a mail, on all levels
MIME_DEPTH_MAX: Final = 10  # levels of parts within parts

# What is read back
PAGE_MAX: Final = 200  # entries of one page
PAGE_DEFAULT: Final = 50  # where the caller does not say
EVENTS_PAGE_MAX: Final = 1000  # events of one page
LIST_LOOKS_MAX: Final = 1000  # mails that are read in vain for one page, over DynamoDB: then the page is short
WAITING_LOOKS_MAX: Final = 200  # queued mails that are looked at, to tell which accounts they wait for

# Figures over time
SERIES_BATCH_MAX: Final = 1000  # events that are counted at once
SERIES_ACCOUNTS_MAX: Final = 32  # accounts of one document of figures by their names; further ones are counted as one
EVENT_LOOKS_MAX: Final = 10_000  # events that are looked at for one page that is narrowed; then the page is short

# Lists that come and go whole
SUPPRESSION_LINES_MAX: Final = 10_000  # lines of one import
IMPORT_BYTES_MAX: Final = 4 * 1024 * 1024  # of one import
SUPPRESSIONS_AT_ONCE_MAX: Final = 500  # of an import, that are stored in one step
KEYS_MAX: Final = 100  # of one project that hold
KEY_DAYS_MAX: Final = 36_500  # after which a key ends by itself, if it does

# Templates
TEMPLATES_MAX: Final = 500  # of one project
TEMPLATES_BYTES_MAX: Final = 8 * 1024 * 1024  # all of one project, so that a list of them can be read
TEMPLATE_BYTES_MAX: Final = 128 * 1024  # subject, text, html and defaults of one; DynamoDB keeps 400 KB as one item
TEMPLATE_TAGS_MAX: Final = 5000  # of each part: to read them takes time
TEMPLATE_DEPTH_MAX: Final = 20  # blocks within blocks
TEMPLATE_STEPS_MAX: Final = 50_000  # of one mail: pieces of text, values looked up, rounds of loops
TEMPLATE_OUTPUT_CHARS_MAX: Final = 1024 * 1024  # what one mail's parts become, together

# What is done to many mails by one request
BULK_MAX: Final = 500  # mails that are looked at; then `next_cursor` says where to go on
BULK_S_MAX: Final = 10.0  # after which no further mails are read for one request: gateways wait for 30 s

# Who follows the events
STREAMS_MAX: Final = 256  # streams of events from one process; beyond it: 503 and Retry-After
STREAM_RECENT_MAX: Final = 1000  # events that are kept for them; who is further back is read to from the store

# What the engine holds and repeats
CLAIM_MAX: Final = 256  # deliveries taken from the queue at once
ACTIVE_MAX: Final = 1024  # deliveries in the hands of one process
COMMIT_MAX: Final = 512  # operations that share one commit
PENDING_WRITES_MAX: Final = 20_000  # operations that may wait for a commit; beyond it: 503 and Retry-After
POSTGRES_CONNECTIONS_MAX: Final = 8  # of one process; the wake-ups of PostgreSQL take one more
LOOKUP_REQUESTS_MAX: Final = 12  # requests to a provider for one question
REASON_CHARS_MAX: Final = 500  # a provider's own words, as kept
RESOLVING_MAX: Final = 64  # questions that one process asks at the same time
CONFIRMING_MAX: Final = 64  # accepted mails of one account that its records are asked about
MISSING_MAX: Final = 8  # of these, mails that are missing and still looked for
RELAY_BATCH_MAX: Final = 500  # events handed to a sink at once

# What a provider may answer
ANSWER_HEAD_BYTES_MAX: Final = 64 * 1024  # status line and headers
ANSWER_BODY_BYTES_MAX: Final = 4 * 1024 * 1024  # what follows; a longer answer is none
PROVIDER_ID_CHARS_MAX: Final = 998  # its id of a mail, as long as a line; a longer one is none

# What a provider may send by itself
HOOK_BYTES_MAX: Final = 2 * 1024 * 1024  # one request of its events; SendGrid's have at most 768 KB
HOOKS_AT_ONCE_MAX: Final = 32  # such requests that are worked on; beyond it: 503, and they come again
HOOK_EVENTS_MAX: Final = 10_000  # events of one such request; the rest is kept as unreadable
JOIN_SEARCHES_MAX: Final = 100  # events of one such request, without our id, whose mail is searched for
JOIN_PROJECTS_MAX: Final = 100  # projects that are searched
BACKFILL_REQUESTS_MAX: Final = 10_000  # for the events that are asked for at once of one account
PAPER_BYTES_MAX: Final = 16 * 1024  # of an event as it came, as kept

# What AWS takes
KINESIS_RECORDS_MAX: Final = 500  # of one request
KINESIS_BATCH_BYTES_MAX: Final = 5 * 1024 * 1024  # of one request, with the partition keys
KINESIS_RECORD_BYTES_MAX: Final = 1024 * 1024  # of one event, with its partition key; a larger one is a dead letter
KINESIS_KEY_CHARS_MAX: Final = 256  # of a partition key
DEAD_LETTER_BYTES_MAX: Final = 256 * 1024  # of a dead letter; a larger event is named, and stays in the audit trail

# What Kafka takes
KAFKA_BATCH_BYTES_MAX: Final = 1_000_000  # of one batch: below a broker's own `message.max.bytes`, 1,048,588

# Webhooks that events are posted to
WEBHOOKS_MAX: Final = 50  # of one project
WEBHOOK_URL_CHARS_MAX: Final = 2048  # of its address
WEBHOOK_LOGIN_CHARS_MAX: Final = 256  # user and password, by which one is logged in to
WEBHOOK_FILTER_MAX: Final = 50  # types, accounts or tags that one is narrowed to
WEBHOOK_BODY_BYTES_MAX: Final = 256 * 1024  # of one event; a larger one is given up
WEBHOOK_ANSWER_BYTES_MAX: Final = 64 * 1024  # body of an answer; a longer one is a failure
WEBHOOK_REQUESTS_MAX: Final = 8  # to one webhook at the same time
WEBHOOK_REQUESTS_ALL_MAX: Final = 256  # to all webhooks at the same time, by one process
WEBHOOK_WAITING_MAX: Final = 500  # events of one webhook that wait to be tried again; the next ones wait in the trail
WEBHOOK_ATTEMPTS_KEPT_MAX: Final = 100  # attempts of one webhook that are shown
WEBHOOK_FAILING_S_MAX: Final = 5 * 86_400  # a webhook that takes nothing for so long is disabled
WEBHOOK_ROTATION_S_MAX: Final = 86_400  # how long the secret before goes on signing, beside the new one
WEBHOOK_SECRETS_MAX: Final = 5  # that sign at the same time
