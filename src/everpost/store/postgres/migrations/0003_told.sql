-- Whether a repeated request was told of the message of this key: from then on it is not undone.
ALTER TABLE idempotency ADD COLUMN is_told boolean NOT NULL DEFAULT false;
