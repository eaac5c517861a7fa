-- Published unit prices of a file that are a power of ten off the basis that they name; NULL while its last batch is missing.
ALTER TABLE files ADD COLUMN unit_prices_off_basis integer;
