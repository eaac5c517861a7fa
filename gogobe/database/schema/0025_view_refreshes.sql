-- When the materialized views were refreshed last: PostgreSQL does not keep it.
CREATE TABLE view_refreshes (
    view         text PRIMARY KEY,
    refreshed_at timestamptz NOT NULL
);
