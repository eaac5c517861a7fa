-- Which row of `stores` a published name means: the rule is in gogobe/database/load/grouping.py,
-- docs/database.md explains it.

-- `identity_version` grows when a name that meant the row means another one from then on.
ALTER TABLE stores ADD COLUMN identity_version integer NOT NULL DEFAULT 0;

-- A name is a chain, a sub-chain and a store's number, as files have them. `is_sold`: price or promotion files
-- speak of it. `listed_at` and `listed_row`: the mark of the oldest Stores file that lists it.
CREATE TABLE store_identities (
    chain_id     text NOT NULL REFERENCES chains,
    store_id     text NOT NULL,
    sub_chain_id text NOT NULL,
    store_key    integer NOT NULL REFERENCES stores,
    is_sold      boolean NOT NULL,
    listed_at    timestamptz,
    listed_row   bigint,
    PRIMARY KEY (chain_id, store_id, sub_chain_id)
);
CREATE INDEX store_identities_by_store ON store_identities (store_key);

-- What is known so far: described stores are listed (the mark is that of the file, without reader and row); files were published under their names, of which the
-- newest says where a name belongs. Rows that no name means are joined to others when a file of their number is
-- loaded.
INSERT INTO store_identities (chain_id, store_id, sub_chain_id, store_key, is_sold, listed_at, listed_row)
SELECT chain_id, store_id, sub_chain_id, store_key, false, described_at, described_row >> 33 << 33
FROM stores WHERE described_at IS NOT NULL;

INSERT INTO store_identities (chain_id, store_id, sub_chain_id, store_key, is_sold)
SELECT DISTINCT ON (f.chain_id, f.store_id, f.sub_chain_id)
       f.chain_id, f.store_id, f.sub_chain_id, f.store_key, true
FROM files f
WHERE f.store_key IS NOT NULL AND f.kind <> 'stores'
ORDER BY f.chain_id, f.store_id, f.sub_chain_id, f.published_at DESC, f.content_sha256
ON CONFLICT (chain_id, store_id, sub_chain_id) DO UPDATE SET is_sold = true;

-- Rows are joined by giving what they have another store's key.
ALTER TABLE promotion_groups
    DROP CONSTRAINT promotion_groups_store_key_promotion_id_fkey,
    ADD CONSTRAINT promotion_groups_store_key_promotion_id_fkey FOREIGN KEY (store_key, promotion_id)
        REFERENCES promotions ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE promotion_items
    DROP CONSTRAINT promotion_items_store_key_promotion_id_fkey,
    ADD CONSTRAINT promotion_items_store_key_promotion_id_fkey FOREIGN KEY (store_key, promotion_id)
        REFERENCES promotions ON DELETE CASCADE ON UPDATE CASCADE;

-- Names under which prices are published, that no Stores file lists, while Stores files list their number under others:
-- which of those they mean, if any, cannot be told, so each is a store of its own without a description.
CREATE VIEW unclear_store_names AS
SELECT i.chain_id, i.sub_chain_id, i.store_id, i.store_key,
       (SELECT array_agg(l.sub_chain_id ORDER BY l.sub_chain_id) FROM store_identities l
        WHERE l.chain_id = i.chain_id AND l.store_id = i.store_id AND l.listed_at IS NOT NULL) AS listed_sub_chain_ids
FROM store_identities i
WHERE i.is_sold
  AND NOT EXISTS (SELECT FROM store_identities l WHERE l.store_key = i.store_key AND l.listed_at IS NOT NULL)
  AND EXISTS (SELECT FROM store_identities l
              WHERE l.chain_id = i.chain_id AND l.store_id = i.store_id AND l.listed_at IS NOT NULL);
