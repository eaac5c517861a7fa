-- All terms of a promotion, what its items cost under it, and unit prices on one basis.

ALTER TABLE promotions
    ADD COLUMN discount_percent numeric,
    ADD COLUMN discount_amount numeric,
    ADD COLUMN min_basket_amount numeric,
    ADD COLUMN min_amount numeric,
    ADD COLUMN max_amount numeric,
    ADD COLUMN gift_count numeric,
    ADD COLUMN daily_from text,
    ADD COLUMN daily_to text,
    ADD COLUMN coupon_code text,
    ADD COLUMN is_active boolean,
    ADD COLUMN is_total boolean,
    -- What else must hold: `gogobe.offers.conditions`. Clubs are in club_ids.
    ADD COLUMN needs_club boolean NOT NULL DEFAULT false,
    ADD COLUMN needs_coupon boolean NOT NULL DEFAULT false,
    ADD COLUMN needs_payment_means boolean NOT NULL DEFAULT false,
    ADD COLUMN least_basket numeric,
    ADD COLUMN least_purchase numeric;

-- The offer_… columns: `gogobe.records.offers.Offer`.
ALTER TABLE promotion_items
    ADD COLUMN discount_type text,
    ADD COLUMN discount_percent numeric,
    ADD COLUMN discount_amount numeric,
    ADD COLUMN gift_price numeric,
    ADD COLUMN offer_kind text NOT NULL DEFAULT 'unknown',
    ADD COLUMN offer_quantity numeric NOT NULL DEFAULT 1,
    ADD COLUMN offer_per text NOT NULL DEFAULT 'piece',
    ADD COLUMN offer_total numeric,
    ADD COLUMN offer_unit_price numeric,
    ADD COLUMN offer_percent numeric,
    ADD COLUMN offer_amount numeric,
    ADD COLUMN offer_discounted integer NOT NULL DEFAULT 1,
    ADD COLUMN offer_reason text;

ALTER TABLE prices
    ADD COLUMN unit_basis text,
    ADD COLUMN price_per_unit numeric;

-- A row that is no goods (delivery, deposit, coupon, bag): kept, and left out of comparisons.
ALTER TABLE master_aliases ADD COLUMN is_service boolean NOT NULL DEFAULT false;

-- The price of one piece or kilogram under an offer, given the shelf price of one: as `gogobe.offers.offer.price_at`.
-- NULL where it cannot be computed or is not above zero. Compare with the shelf price before it is shown.
CREATE FUNCTION offer_price(kind text, unit_price numeric, quantity numeric, percent numeric, amount numeric,
                            discounted integer, shelf_price numeric)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(greatest(round(CASE kind
    WHEN 'percent' THEN shelf_price * (100 - percent) / 100
    WHEN 'amount' THEN shelf_price - amount / quantity
    WHEN 'nth_percent' THEN shelf_price * (quantity - discounted * percent / 100) / quantity
    ELSE unit_price END, 2), 0), 0);

-- The promotions that an item is in, store by store, with its shelf price and what it costs under each.
-- `is_running`: published as active and within its days now. `price` is NULL where `reason` says why.
DROP VIEW item_promotions;
CREATE VIEW item_promotions AS
SELECT s.chain_id, i.item_code, i.store_key, i.promotion_id, p.description, p.remarks, p.starts_at, p.ends_at,
       p.is_active IS NOT FALSE
           AND (p.starts_at IS NULL OR p.starts_at <= now())
           AND (p.ends_at IS NULL OR p.ends_at >= now()) AS is_running,
       i.group_id, g.min_purchase_amount AS group_min_purchase_amount, i.is_gift, i.gift_price,
       coalesce(i.min_qty, p.min_qty) AS min_qty,
       coalesce(i.discounted_price, p.discounted_price) AS discounted_price,
       coalesce(i.discount_rate, p.discount_rate) AS discount_rate,
       coalesce(i.discount_percent, p.discount_percent) AS discount_percent,
       coalesce(i.discount_amount, p.discount_amount) AS discount_amount,
       i.offer_kind, i.offer_quantity, i.offer_per, i.offer_total,
       CASE WHEN r.price IS NULL OR offered.price <= r.price THEN offered.price END AS price,
       CASE WHEN offered.price > r.price THEN 'above_shelf_price' ELSE i.offer_reason END AS reason,
       r.price AS shelf_price,
       p.needs_club, p.club_ids, p.needs_coupon, p.needs_payment_means, p.least_basket, p.least_purchase,
       p.redemption_limit, p.days, p.daily_from, p.daily_to
FROM promotion_items i
JOIN promotions p ON p.store_key = i.store_key AND p.promotion_id = i.promotion_id
JOIN stores s ON s.store_key = p.store_key
LEFT JOIN promotion_groups g
       ON g.store_key = i.store_key AND g.promotion_id = i.promotion_id AND g.group_id = i.group_id
LEFT JOIN prices r ON r.store_key = i.store_key AND r.item_code = i.item_code AND r.ended_at IS NULL
CROSS JOIN LATERAL (
    SELECT offer_price(i.offer_kind, i.offer_unit_price, i.offer_quantity, i.offer_percent, i.offer_amount,
                       i.offer_discounted, r.price) AS price
) offered
WHERE p.ended_at IS NULL;
