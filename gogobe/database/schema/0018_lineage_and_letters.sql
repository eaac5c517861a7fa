-- Dead letters keep what an operator did with them. A letter that was dropped is closed: resolved_at is set too.
ALTER TABLE dead_letters
    ADD COLUMN replays     integer NOT NULL DEFAULT 0,
    ADD COLUMN replayed_at timestamptz,
    ADD COLUMN dropped_by  text,
    ADD COLUMN dropped_why text;
CREATE INDEX dead_letters_open ON dead_letters (last_failed_at) WHERE resolved_at IS NULL;

-- Where a row comes from: the object that holds the file, the rows of the file that a batch holds, and the masters
-- snapshot that matched them. NULL in rows from before this step.
ALTER TABLE files ADD COLUMN object_path text;
ALTER TABLE batches
    ADD COLUMN first_row       integer,
    ADD COLUMN last_row        integer,
    ADD COLUMN masters_version text;
CREATE INDEX files_by_seen ON files (seen_at);
CREATE INDEX files_by_name ON files USING hash (file);
