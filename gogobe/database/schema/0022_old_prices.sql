-- Old prices do not count beside new ones. docs/database.md, "Old prices".

-- How old a price may be before it counts as old: the parameter gogobe.price_days, which sessions of Gogobe set from the
-- setting `price_days`; for others, ALTER DATABASE … SET gogobe.price_days = 14. Else 30 days.
CREATE FUNCTION price_max_age() RETURNS interval LANGUAGE sql STABLE PARALLEL SAFE
RETURN make_interval(days => coalesce(nullif(current_setting('gogobe.price_days', true), ''), '30')::integer);

-- As before, but without prices that are old beside the chain's newest price file: a store whose files stopped coming is
-- no longer the cheapest one. Of a chain whose files all stopped coming, the last ones stay, with their date.
DROP MATERIALIZED VIEW chain_health;
DROP MATERIALIZED VIEW master_chain_prices;
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
LEFT JOIN (
    SELECT chain_id, max(published_at) AS published_at FROM files
    WHERE kind IN ('price', 'pricefull') AND published_known GROUP BY chain_id
) newest ON newest.chain_id = s.chain_id
WHERE p.ended_at IS NULL AND NOT a.is_service
  AND (newest.published_at IS NULL
       OR greatest(p.published_at, s.prices_full_at) >= newest.published_at - price_max_age())
GROUP BY 1, 2;
CREATE UNIQUE INDEX master_chain_prices_key ON master_chain_prices (master_id, chain_id);
CREATE INDEX master_chain_prices_by_chain ON master_chain_prices (chain_id);

-- The same with a mark that is decided when it is read: a price is old where it was last seen too long ago.
CREATE VIEW master_chain_prices_today AS
SELECT *, last_seen_at < now() - price_max_age() AS is_old FROM master_chain_prices;

-- A promotion is old if no file has confirmed it for that long. It may run without an end.
CREATE OR REPLACE VIEW promotions_today AS
SELECT *, last_seen_at < now() - price_max_age() AS is_old FROM open_promotions
WHERE (starts_at IS NULL OR starts_at <= now()) AND (ends_at IS NULL OR ends_at >= now());

-- As before: it reads master_chain_prices.
CREATE MATERIALIZED VIEW chain_health AS
SELECT c.chain_id, c.name,
       f.last_published_at, f.last_completed_at, coalesce(f.files, 0) AS files,
       coalesce(f.loaded, 0) AS files_loaded, coalesce(f.incomplete, 0) AS files_incomplete,
       coalesce(f.loading, 0) AS files_loading, coalesce(f.refused, 0) AS rows_refused,
       coalesce(p.items, 0) AS items, coalesce(p.offers, 0) AS offers,
       coalesce(d.letters, 0) AS dead_letters, d.last_failed_at,
       w.incomplete_share, coalesce(w.counts_announced, 0) AS counts_announced,
       coalesce(w.counts_wrong, 0) AS counts_wrong, w.count_difference,
       o.listed_at, o.announced_at, o.newest_file_at, o.late_median, o.portals_ill, o.portal_error
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
    SELECT chain, count(*) AS letters, max(last_failed_at) AS last_failed_at
    FROM dead_letters WHERE resolved_at IS NULL GROUP BY chain
) d ON d.chain = c.name
LEFT JOIN (
    SELECT chain, max(succeeded_at) AS listed_at, max(announced_at) AS announced_at,
           max(newest_file_at) AS newest_file_at, max(late_median) AS late_median,
           count(*) FILTER (WHERE circuit = 'open') AS portals_ill, max(last_error) AS portal_error
    FROM portals GROUP BY chain
) o ON o.chain = c.name;
CREATE UNIQUE INDEX chain_health_key ON chain_health (chain_id);
