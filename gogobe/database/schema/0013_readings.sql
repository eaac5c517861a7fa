-- A file may be read again by a newer reader: the ledger counts its newest reading. `source_row` orders the rows of one
-- moment by the file's rank (30 bits), the reader's version (6 bits) and the row in its file (27 bits); rows from
-- before this step count as version 0.

ALTER TABLE files
    ADD COLUMN reader_version integer NOT NULL DEFAULT 1,
    ADD COLUMN published_known boolean NOT NULL DEFAULT true,
    -- Elements of rows that no table of the reader knows, by path, with their number: a notice.
    ADD COLUMN unknown_elements jsonb;
ALTER TABLE batches ADD COLUMN reader_version integer NOT NULL DEFAULT 1;

UPDATE prices SET source_row = source_row & ~(63::bigint << 27);
UPDATE promotions SET source_row = source_row & ~(63::bigint << 27);
UPDATE stores SET prices_full_row = prices_full_row & ~(63::bigint << 27),
    promotions_full_row = promotions_full_row & ~(63::bigint << 27),
    described_row = described_row & ~(63::bigint << 27);
UPDATE listed_codes SET file_row = file_row & ~(63::bigint << 27);
-- The rank of a wording begins with the reader's version now: what was read before gives way on its own day.
UPDATE master_aliases SET description_rank = 0;

-- Every address under which a file's bytes were announced.
CREATE TABLE file_addresses (
    content_sha256 text NOT NULL REFERENCES files,
    address_key    text NOT NULL, -- of `source_url`, its SHA-256: addresses are longer than an index entry may be
    source_url     text NOT NULL,
    file           text NOT NULL,
    discovered_at  timestamptz NOT NULL,
    downloaded_at  timestamptz NOT NULL,
    seen_at        timestamptz NOT NULL,
    PRIMARY KEY (content_sha256, address_key)
);
CREATE INDEX file_addresses_by_source_url ON file_addresses USING hash (source_url);
INSERT INTO file_addresses (content_sha256, address_key, source_url, file, discovered_at, downloaded_at, seen_at)
SELECT content_sha256, encode(sha256(convert_to(source_url, 'UTF8')), 'hex'), source_url, file, discovered_at, downloaded_at, seen_at FROM files;
