-- What runs today, and what changed this week, is decided when it is read: on a day without loads nothing refreshes.
-- A materialized view holds what may be asked for until the next refresh; a plain view of the old name asks for now.

DROP MATERIALIZED VIEW promotions_today;
DROP MATERIALIZED VIEW changed_this_week;

-- Promotions that run now or later, each of a chain's once, however many stores have it. `store_key` is one of them:
-- its groups and items are in promotion_groups and promotion_items. Time only goes on, so what is over stays over.
CREATE MATERIALIZED VIEW open_promotions AS
SELECT s.chain_id, p.promotion_id, p.digest, min(p.description) AS description,
       min(p.starts_at) AS starts_at, max(p.ends_at) AS ends_at, min(p.club_ids) AS club_ids,
       min(p.discounted_price) AS discounted_price, count(*)::integer AS stores, min(p.store_key) AS store_key,
       max(greatest(p.published_at, s.promotions_full_at)) AS last_seen_at
FROM promotions p
JOIN stores s ON s.store_key = p.store_key
WHERE p.ended_at IS NULL AND p.is_active IS NOT FALSE AND (p.ends_at IS NULL OR p.ends_at >= now())
GROUP BY s.chain_id, p.promotion_id, p.digest;
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
WHERE h.changed_at >= now() - interval '7 days'
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
