-- Offers and shelf prices are compared in one unit; descriptions of stores do not depend on the order of their files;
-- the ledger counts rows taken and changes of the price level.

-- What each Stores file says of a store, by the store's published name: a row for each distinct description (`digest`),
-- with the marks of the oldest and of the newest file that has it. `stores` shows, field by field, the newest value.
CREATE TABLE store_descriptions (
    chain_id       text NOT NULL REFERENCES chains,
    store_id       text NOT NULL,
    sub_chain_id   text NOT NULL,
    digest         bigint NOT NULL,
    first_at       timestamptz NOT NULL,
    first_row      bigint NOT NULL,
    last_at        timestamptz NOT NULL,
    last_row       bigint NOT NULL,
    chain_name     text,
    sub_chain_name text,
    bikoret_no     text,
    store_type     text,
    name           text,
    address        text,
    city           text,
    zip_code       text,
    latitude       numeric,
    longitude      numeric,
    updated_at     timestamptz,
    PRIMARY KEY (chain_id, store_id, sub_chain_id, digest)
);
INSERT INTO store_descriptions
SELECT i.chain_id, i.store_id, i.sub_chain_id, 0, s.described_at, s.described_row, s.described_at, s.described_row,
       s.chain_name, s.sub_chain_name, s.bikoret_no, s.store_type, s.name, s.address, s.city, s.zip_code,
       s.latitude, s.longitude, s.updated_at
FROM stores s JOIN store_identities i ON i.store_key = s.store_key AND i.listed_at IS NOT NULL
WHERE s.described_at IS NOT NULL;

-- `taken`: rows that the reader took. `prices_…`: prices that were compared with the store's last ones, and how many of
-- them are on a higher or a lower level (gogobe/feeds/price_level.py).
ALTER TABLE files
    ADD COLUMN taken integer GENERATED ALWAYS AS (loaded + unchanged + stale) STORED,
    ADD COLUMN prices_compared integer NOT NULL DEFAULT 0,
    ADD COLUMN prices_higher integer NOT NULL DEFAULT 0,
    ADD COLUMN prices_lower integer NOT NULL DEFAULT 0;
-- A chain's earlier files of one kind: whether its Counts are right.
CREATE INDEX files_by_chain_kind ON files (chain_id, kind, published_at);

-- As before, with these changes. The unit of an offer is the kilogram if it says so, the piece if the promotion says
-- that it is not weighed, and else the unit in which the item is sold. `shelf_price` is the price of one of that unit;
-- without one, `price` is NULL and `reason` is 'other_unit'. A percentage is taken off the shelf price in any unit. Of
-- groups with one id the largest least purchase counts.
DROP VIEW item_promotions;
CREATE VIEW item_promotions AS
SELECT s.chain_id, i.item_code, i.store_key, i.promotion_id, p.description, p.remarks, p.starts_at, p.ends_at,
       p.is_active IS NOT FALSE
           AND (p.starts_at IS NULL OR p.starts_at <= now())
           AND (p.ends_at IS NULL OR p.ends_at >= now()) AS is_running,
       i.group_id,
       (SELECT max(g.min_purchase_amount) FROM promotion_groups g
        WHERE g.store_key = i.store_key AND g.promotion_id = i.promotion_id AND g.group_id = i.group_id)
           AS group_min_purchase_amount,
       i.is_gift, i.gift_price,
       coalesce(i.min_qty, p.min_qty) AS min_qty,
       coalesce(i.discounted_price, p.discounted_price) AS discounted_price,
       coalesce(i.discount_rate, p.discount_rate) AS discount_rate,
       coalesce(i.discount_percent, p.discount_percent) AS discount_percent,
       coalesce(i.discount_amount, p.discount_amount) AS discount_amount,
       i.offer_kind, i.offer_quantity, unit.per AS offer_per, i.offer_total,
       CASE WHEN r.price IS NULL OR offered.price <= shelf.price THEN offered.price END AS price,
       CASE WHEN offered.price > shelf.price THEN 'above_shelf_price'
            WHEN r.price IS NOT NULL AND shelf.price IS NULL AND i.offer_reason IS NULL THEN 'other_unit'
            ELSE i.offer_reason END AS reason,
       coalesce(shelf.price, r.price) AS shelf_price,
       p.needs_club, p.club_ids, p.needs_coupon, p.needs_payment_means, p.least_basket, p.least_purchase,
       p.redemption_limit, p.days, p.daily_from, p.daily_to
FROM promotion_items i
JOIN promotions p ON p.store_key = i.store_key AND p.promotion_id = i.promotion_id
JOIN stores s ON s.store_key = p.store_key
LEFT JOIN prices r ON r.store_key = i.store_key AND r.item_code = i.item_code AND r.ended_at IS NULL
LEFT JOIN master_aliases a ON a.chain_id = s.chain_id AND a.item_code = i.item_code
CROSS JOIN LATERAL (
    SELECT CASE WHEN i.offer_per = 'kg' THEN 'kg'
                WHEN coalesce(i.is_weighted, p.is_weighted) IS NULL AND a.is_weighted THEN 'kg'
                ELSE 'piece' END AS per
) unit
CROSS JOIN LATERAL (
    SELECT CASE WHEN i.offer_kind IN ('percent', 'nth_percent') THEN r.price
                WHEN unit.per = 'piece' THEN CASE WHEN a.is_weighted IS NOT TRUE THEN r.price END
                WHEN a.is_weighted THEN r.price
                WHEN r.unit_basis = 'kg' THEN r.price_per_unit END AS price
) shelf
CROSS JOIN LATERAL (
    SELECT offer_price(i.offer_kind, i.offer_unit_price, i.offer_quantity, i.offer_percent, i.offer_amount,
                       i.offer_discounted, shelf.price) AS price
) offered
WHERE p.ended_at IS NULL;
