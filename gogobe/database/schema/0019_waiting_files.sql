-- Announced files that their portal did not give: each comes again when it is due. A row ends when its file is loaded or
-- has a dead letter. announced_at is set from the moment the file is announced again until its next failure, and due_at
-- is then when it is announced once more if nothing comes of that.
CREATE TABLE waiting_files (
    identity      bytea PRIMARY KEY, -- that of `announcements`: chain, address without signature, file name
    chain         text NOT NULL,
    url           text NOT NULL,
    file_name     text NOT NULL,
    host          text NOT NULL,
    is_signed     boolean NOT NULL,  -- the announced address had a signature: it needs a new one
    reason        text NOT NULL,
    detail        text NOT NULL,
    attempts      integer NOT NULL,
    discovered_at timestamptz NOT NULL,
    waiting_since timestamptz NOT NULL,
    failed_at     timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    announced_at  timestamptz,
    announcements integer NOT NULL DEFAULT 0
);
CREATE INDEX waiting_files_due ON waiting_files (due_at);
CREATE INDEX waiting_files_by_chain ON waiting_files (chain);
-- As that of dead_letters: addresses are longer than an index entry may be.
CREATE INDEX waiting_files_by_url ON waiting_files USING hash (url);
