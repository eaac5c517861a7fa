-- PostgreSQL's B-trees take no text of more than 2,704 bytes, and an address may be longer; its hash indexes take
-- any. CockroachDB has no such bound and no hash indexes: there nothing is done.
SELECT 1;
--partitioned
DROP INDEX files_by_source_url;
DROP INDEX dead_letters_by_source_url;
CREATE INDEX files_by_source_url ON files USING hash (source_url);
CREATE INDEX dead_letters_by_source_url ON dead_letters USING hash (source_url);
--end
