-- A build of the masters redirects masters to the cluster that they belong to, and takes that back where a later
-- build finds otherwise. Who undid a merge says whether a person has kept the two apart: a build never joins them
-- again then.

ALTER TABLE master_merges ADD COLUMN undone_by text;
UPDATE master_merges SET undone_by = 'unknown' WHERE undone_at IS NOT NULL;
