-- Rows that are no goods (`master_aliases.is_service`) are left out of comparisons and of views of products; today's
-- promotions show what is paid under them.

DROP VIEW promotions_today;
DROP MATERIALIZED VIEW open_promotions;
DROP MATERIALIZED VIEW chain_health;
DROP MATERIALIZED VIEW master_search;
DROP MATERIALIZED VIEW master_chain_prices;
DROP VIEW changed_this_week;
DROP MATERIALIZED VIEW recent_changes;

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
WHERE p.ended_at IS NULL AND NOT a.is_service
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
    WHERE NOT a.is_service
    GROUP BY 1
) words ON words.master_id = sold.master_id;
CREATE UNIQUE INDEX master_search_key ON master_search (master_id);
-- Without a list of pending entries: a refresh leaves one that every search would have to read.
CREATE INDEX master_search_words ON master_search USING gin (words gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX master_search_by_chains ON master_search (chains DESC, stores DESC, master_id);

CREATE MATERIALIZED VIEW chain_health AS
SELECT c.chain_id, c.name,
       f.last_published_at, f.last_completed_at, coalesce(f.files, 0) AS files,
       coalesce(f.loaded, 0) AS files_loaded, coalesce(f.incomplete, 0) AS files_incomplete,
       coalesce(f.loading, 0) AS files_loading, coalesce(f.refused, 0) AS rows_refused,
       coalesce(p.items, 0) AS items, coalesce(p.offers, 0) AS offers,
       coalesce(d.letters, 0) AS dead_letters, d.last_failed_at,
       w.incomplete_share, coalesce(w.counts_announced, 0) AS counts_announced,
       coalesce(w.counts_wrong, 0) AS counts_wrong, w.count_difference
FROM chains c
LEFT JOIN (
    SELECT chain_id, max(published_at) AS last_published_at, max(completed_at) AS last_completed_at,
           count(*) AS files, count(*) FILTER (WHERE state = 'loaded') AS loaded,
           count(*) FILTER (WHERE state = 'incomplete') AS incomplete,
           count(*) FILTER (WHERE state = 'loading') AS loading, sum(refused) AS refused
    FROM files GROUP BY chain_id
) f ON f.chain_id = c.chain_id
LEFT JOIN LATERAL (
    SELECT round(count(*) FILTER (WHERE state = 'incomplete')::numeric
                 / nullif(count(*) FILTER (WHERE state <> 'loading'), 0), 3) AS incomplete_share,
           count(*) FILTER (WHERE is_whole AND announced IS NOT NULL) AS counts_announced,
           count(*) FILTER (WHERE is_whole AND announced <> read) AS counts_wrong,
           mode() WITHIN GROUP (ORDER BY announced - read)
               FILTER (WHERE is_whole AND announced <> read) AS count_difference
    FROM files
    WHERE files.chain_id = c.chain_id AND published_at > f.last_published_at - interval '7 days'
) w ON true
LEFT JOIN (
    SELECT chain_id, count(*) AS items, sum(offers) AS offers FROM master_chain_prices GROUP BY chain_id
) p ON p.chain_id = c.chain_id
LEFT JOIN (
    SELECT chain, count(*) AS letters, max(last_failed_at) AS last_failed_at FROM dead_letters GROUP BY chain
) d ON d.chain = c.name;
CREATE UNIQUE INDEX chain_health_key ON chain_health (chain_id);

-- Promotions that run now or later, each of a chain's once, however many stores have it. `store_key` is one of them:
-- its groups and items are in promotion_groups and promotion_items. The offer_… columns are those of the item that
-- costs least under it; `discounted_price` is as published, on the promotion or on that item.
CREATE MATERIALIZED VIEW open_promotions AS
SELECT g.chain_id, g.promotion_id, g.digest, g.description, g.starts_at, g.ends_at, g.club_ids,
       coalesce(nullif(p.discounted_price, 0), o.discounted_price) AS discounted_price,
       g.stores, g.store_key, g.last_seen_at,
       o.offer_kind, o.offer_quantity, o.offer_per, o.offer_total, o.offer_unit_price, o.offer_percent, o.offer_amount,
       p.needs_club, p.needs_coupon, p.needs_payment_means, p.least_basket, p.least_purchase, p.redemption_limit,
       p.days, p.daily_from, p.daily_to, p.remarks
FROM (
    SELECT s.chain_id, p.promotion_id, p.digest, min(p.description) AS description,
           min(p.starts_at) AS starts_at, max(p.ends_at) AS ends_at, min(p.club_ids) AS club_ids,
           count(*)::integer AS stores, min(p.store_key) AS store_key,
           max(greatest(p.published_at, s.promotions_full_at)) AS last_seen_at
    FROM promotions p
    JOIN stores s ON s.store_key = p.store_key
    WHERE p.ended_at IS NULL AND p.is_active IS NOT FALSE AND (p.ends_at IS NULL OR p.ends_at >= now())
    GROUP BY s.chain_id, p.promotion_id, p.digest
) g
JOIN promotions p ON p.store_key = g.store_key AND p.promotion_id = g.promotion_id
LEFT JOIN LATERAL (
    SELECT i.* FROM promotion_items i
    WHERE i.store_key = g.store_key AND i.promotion_id = g.promotion_id
    ORDER BY i.offer_kind = 'unknown', i.offer_unit_price, i.position LIMIT 1
) o ON true;
CREATE UNIQUE INDEX open_promotions_key ON open_promotions (chain_id, promotion_id, digest);
CREATE INDEX open_promotions_by_start ON open_promotions (starts_at);

CREATE VIEW promotions_today AS
SELECT * FROM open_promotions
WHERE (starts_at IS NULL OR starts_at <= now()) AND (ends_at IS NULL OR ends_at >= now());

-- The changes of an item's price in a chain's stores within the seven days before the refresh, the oldest first:
-- four arrays of the same length.
CREATE MATERIALIZED VIEW recent_changes AS
SELECT s.chain_id, h.item_code, min(coalesce(m.merged_into, m.master_id)) AS master_id, min(a.name) AS name,
       max(h.changed_at) AS last_changed_at,
       array_agg(h.changed_at ORDER BY h.changed_at, h.store_key) AS changed_at,
       array_agg(h.store_key ORDER BY h.changed_at, h.store_key) AS store_keys,
       array_agg(h.old_price ORDER BY h.changed_at, h.store_key) AS old_prices,
       array_agg(h.new_price ORDER BY h.changed_at, h.store_key) AS new_prices
FROM price_changes h
JOIN stores s ON s.store_key = h.store_key
LEFT JOIN master_aliases a ON a.chain_id = s.chain_id AND a.item_code = h.item_code
LEFT JOIN masters m ON m.master_id = a.master_id
WHERE h.changed_at >= now() - interval '7 days' AND a.is_service IS NOT TRUE
GROUP BY s.chain_id, h.item_code;
CREATE UNIQUE INDEX recent_changes_key ON recent_changes (chain_id, item_code);
CREATE INDEX recent_changes_by_time ON recent_changes (last_changed_at);

-- Items whose price changed in the last seven days, by chain.
CREATE VIEW changed_this_week AS
SELECT r.chain_id, r.item_code, r.master_id, r.name, week.stores, week.changes, week.lowest, week.highest,
       week.mean_percent, r.last_changed_at
FROM recent_changes r
CROSS JOIN LATERAL (
    SELECT count(DISTINCT c.store_key)::integer AS stores, count(*)::integer AS changes,
           min(c.new_price) AS lowest, max(c.new_price) AS highest,
           round(avg((c.new_price - c.old_price) / nullif(c.old_price, 0) * 100), 1) AS mean_percent
    FROM unnest(r.changed_at, r.store_keys, r.old_prices, r.new_prices)
      AS c (changed_at, store_key, old_price, new_price)
    WHERE c.changed_at >= now() - interval '7 days'
) week
WHERE r.last_changed_at >= now() - interval '7 days';
