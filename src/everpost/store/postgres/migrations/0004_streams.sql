-- What a suppression stops, how it is known, and until when it holds. An address has one for all mail and for each
-- stream: the digest tells them apart, so that who knows of no streams sees those for all mail alone.
ALTER TABLE suppression
    ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT '',     -- '': all mail
    ADD COLUMN source text NOT NULL DEFAULT '',                 -- '': its reason tells
    ADD COLUMN expires_at float8;                               -- NULL: never
CREATE INDEX suppression_ending ON suppression (expires_at) WHERE expires_at IS NOT NULL;
