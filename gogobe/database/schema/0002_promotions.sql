-- Promotions of a store with their groups and items: "buy from group 1, get from group 2" survives as published.

CREATE TABLE promotions (
    store_key                integer NOT NULL REFERENCES stores,
    promotion_id             text NOT NULL,
    published_at             timestamptz NOT NULL,
    source_row               bigint NOT NULL,
    digest                   bigint NOT NULL,
    first_seen_at            timestamptz NOT NULL,
    ended_at                 timestamptz,
    description              text,
    updated_at               timestamptz,
    starts_at                timestamptz,
    ends_at                  timestamptz,
    reward_type              text,
    discount_type            text,
    discount_rate            numeric,
    discounted_price         numeric,
    discounted_price_per_unit numeric,
    min_qty                  numeric,
    max_qty                  numeric,
    min_items_offered        numeric,
    min_purchase_amount      numeric,
    redemption_limit         numeric,
    days                     text,
    is_weighted              boolean,
    is_coupon                boolean,
    is_gift                  boolean,
    allow_multiple_discounts boolean,
    club_ids                 text[] NOT NULL,
    remarks                  text,
    PRIMARY KEY (store_key, promotion_id)
);
CREATE INDEX promotions_by_end ON promotions (ends_at) WHERE ended_at IS NULL;

CREATE TABLE promotion_groups (
    store_key           integer NOT NULL,
    promotion_id        text NOT NULL,
    group_id            text NOT NULL,
    position            integer NOT NULL,
    min_purchase_amount numeric,
    discount_type       text,
    PRIMARY KEY (store_key, promotion_id, position),
    FOREIGN KEY (store_key, promotion_id) REFERENCES promotions ON DELETE CASCADE
);

CREATE TABLE promotion_items (
    store_key                 integer NOT NULL,
    promotion_id              text NOT NULL,
    position                  integer NOT NULL,
    group_id                  text NOT NULL,
    item_code                 text NOT NULL,
    is_gift                   boolean NOT NULL,
    item_type                 integer,
    reward_type               text,
    min_qty                   numeric,
    max_qty                   numeric,
    discount_rate             numeric,
    discounted_price          numeric,
    discounted_price_per_unit numeric,
    is_weighted               boolean,
    PRIMARY KEY (store_key, promotion_id, position),
    FOREIGN KEY (store_key, promotion_id) REFERENCES promotions ON DELETE CASCADE
);
CREATE INDEX promotion_items_by_item ON promotion_items (item_code, store_key);
