-- Views for a frontend. Each has a unique index, so that it can be refreshed while it is read, and stands after
-- those it reads. `refresh_views` refreshes them in the order in which they stand here.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Text as it is searched: lower case, each Hebrew letter as an ASCII one, final letters as the others. Trigrams
-- are made of what the database's LC_CTYPE calls a letter, and under C a Hebrew letter is none.
CREATE FUNCTION search_text(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN translate(lower($1), 'אבגדהוזחטיכךלמםנןסעפףצץקרשת', 'abgdhwzxvykklmmnnseppccqrjt');

-- The price of a master by chain. An item is seen whenever its store's newest full file came, or its own row.
CREATE MATERIALIZED VIEW master_chain_prices AS
SELECT coalesce(m.merged_into, m.master_id) AS master_id,
       s.chain_id,
       min(p.price) AS cheapest,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY p.price) AS median,
       max(p.price) AS dearest,
       count(DISTINCT p.store_key)::integer AS stores,
       count(*)::integer AS offers,
       max(greatest(p.published_at, s.prices_full_at)) AS last_seen_at
FROM prices p
JOIN stores s ON s.store_key = p.store_key
JOIN master_aliases a ON a.chain_id = s.chain_id AND a.item_code = p.item_code
JOIN masters m ON m.master_id = a.master_id
WHERE p.ended_at IS NULL
GROUP BY 1, 2;
CREATE UNIQUE INDEX master_chain_prices_key ON master_chain_prices (master_id, chain_id);
CREATE INDEX master_chain_prices_by_chain ON master_chain_prices (chain_id);

-- What a master is found by: its name, and every name that a chain gives it.
CREATE MATERIALIZED VIEW master_search AS
SELECT sold.master_id, m.name, m.brand, sold.chains, sold.stores, search_text(words.words) AS words
FROM (SELECT master_id, count(*)::integer AS chains, sum(stores)::integer AS stores
      FROM master_chain_prices GROUP BY master_id) sold
JOIN masters m ON m.master_id = sold.master_id
JOIN (
    SELECT coalesce(part.merged_into, part.master_id) AS master_id,
           string_agg(DISTINCT concat_ws(' ', a.name, a.manufacturer), ' | ') AS words
    FROM masters part JOIN master_aliases a ON a.master_id = part.master_id
    GROUP BY 1
) words ON words.master_id = sold.master_id;
CREATE UNIQUE INDEX master_search_key ON master_search (master_id);
-- Without a list of pending entries: a refresh leaves one that every search would have to read.
CREATE INDEX master_search_words ON master_search USING gin (words gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX master_search_by_chains ON master_search (chains DESC, stores DESC, master_id);

-- Promotions that run today, each of a chain's once, however many stores have it. `store_key` is one of them:
-- its groups and items are in promotion_groups and promotion_items.
CREATE MATERIALIZED VIEW promotions_today AS
SELECT s.chain_id, p.promotion_id, p.digest, min(p.description) AS description,
       min(p.starts_at) AS starts_at, max(p.ends_at) AS ends_at, min(p.club_ids) AS club_ids,
       min(p.discounted_price) AS discounted_price, count(*)::integer AS stores, min(p.store_key) AS store_key,
       max(greatest(p.published_at, s.promotions_full_at)) AS last_seen_at
FROM promotions p
JOIN stores s ON s.store_key = p.store_key
WHERE p.ended_at IS NULL
  AND (p.starts_at IS NULL OR p.starts_at <= now()) AND (p.ends_at IS NULL OR p.ends_at >= now())
GROUP BY s.chain_id, p.promotion_id, p.digest;
CREATE UNIQUE INDEX promotions_today_key ON promotions_today (chain_id, promotion_id, digest);

-- Items whose price changed in the last seven days, by chain.
CREATE MATERIALIZED VIEW changed_this_week AS
SELECT s.chain_id, h.item_code, min(coalesce(m.merged_into, m.master_id)) AS master_id, min(a.name) AS name,
       count(DISTINCT h.store_key)::integer AS stores, count(*)::integer AS changes,
       min(h.new_price) AS lowest, max(h.new_price) AS highest,
       round(avg((h.new_price - h.old_price) / nullif(h.old_price, 0) * 100), 1) AS mean_percent,
       max(h.changed_at) AS last_changed_at
FROM price_changes h
JOIN stores s ON s.store_key = h.store_key
LEFT JOIN master_aliases a ON a.chain_id = s.chain_id AND a.item_code = h.item_code
LEFT JOIN masters m ON m.master_id = a.master_id
WHERE h.changed_at >= now() - interval '7 days'
GROUP BY s.chain_id, h.item_code;
CREATE UNIQUE INDEX changed_this_week_key ON changed_this_week (chain_id, item_code);

-- The health of a chain; its freshness is now() - last_published_at.
CREATE MATERIALIZED VIEW chain_health AS
SELECT c.chain_id, c.name,
       f.last_published_at, f.last_completed_at, coalesce(f.files, 0) AS files,
       coalesce(f.loaded, 0) AS files_loaded, coalesce(f.incomplete, 0) AS files_incomplete,
       coalesce(f.loading, 0) AS files_loading, coalesce(f.refused, 0) AS rows_refused,
       coalesce(p.items, 0) AS items, coalesce(p.offers, 0) AS offers,
       coalesce(d.letters, 0) AS dead_letters, d.last_failed_at
FROM chains c
LEFT JOIN (
    SELECT chain_id, max(published_at) AS last_published_at, max(completed_at) AS last_completed_at,
           count(*) AS files, count(*) FILTER (WHERE state = 'loaded') AS loaded,
           count(*) FILTER (WHERE state = 'incomplete') AS incomplete,
           count(*) FILTER (WHERE state = 'loading') AS loading, sum(refused) AS refused
    FROM files GROUP BY chain_id
) f ON f.chain_id = c.chain_id
LEFT JOIN (
    SELECT chain_id, count(*) AS items, sum(offers) AS offers FROM master_chain_prices GROUP BY chain_id
) p ON p.chain_id = c.chain_id
LEFT JOIN (
    SELECT chain, count(*) AS letters, max(last_failed_at) AS last_failed_at FROM dead_letters GROUP BY chain
) d ON d.chain = c.name;
CREATE UNIQUE INDEX chain_health_key ON chain_health (chain_id);

-- The promotions that an item is in, store by store.
CREATE VIEW item_promotions AS
SELECT s.chain_id, i.item_code, i.store_key, i.promotion_id, p.description, p.starts_at, p.ends_at, p.club_ids,
       i.group_id, g.min_purchase_amount AS group_min_purchase_amount, i.is_gift,
       coalesce(i.min_qty, p.min_qty) AS min_qty,
       coalesce(i.discounted_price, p.discounted_price) AS discounted_price,
       coalesce(i.discount_rate, p.discount_rate) AS discount_rate
FROM promotion_items i
JOIN promotions p ON p.store_key = i.store_key AND p.promotion_id = i.promotion_id
JOIN stores s ON s.store_key = i.store_key
LEFT JOIN promotion_groups g
       ON g.store_key = i.store_key AND g.promotion_id = i.promotion_id AND g.group_id = i.group_id
WHERE p.ended_at IS NULL;
