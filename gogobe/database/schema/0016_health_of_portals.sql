-- chain_health also says how a chain's portals are: when one was last listed, when its newest file was announced and how
-- late, how many count as ill and the last error. Otherwise it is as before.
DROP MATERIALIZED VIEW chain_health;
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
