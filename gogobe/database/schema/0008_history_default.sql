-- A change whose month has no partition is kept in a default one, so loading needs no rights to define tables and a
-- month that was dropped or detached stops nothing. CockroachDB has no partitions of this kind: nothing is done.
SELECT 1;
--partitioned
CREATE TABLE price_changes_default PARTITION OF price_changes DEFAULT;

-- Makes the missing monthly partitions of the given moments and of what waits in the default partition, which is
-- moved to them. With the owner's rights; EXECUTE can be granted to a role that has no others.
CREATE FUNCTION add_price_change_months(moments timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET datestyle = 'ISO' AS $function$
DECLARE
    waiting regclass;
    month timestamptz;
    next_month timestamptz;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(x'676F676F6266'::bigint);
    SELECT nullif(partdefid, 0) INTO waiting FROM pg_partitioned_table WHERE partrelid = 'price_changes'::regclass;
    IF waiting IS NULL THEN
        name := free_table_name('price_changes_default');
        EXECUTE format('CREATE TABLE %I PARTITION OF price_changes DEFAULT', name);
        waiting := name::regclass;
    END IF;
    FOR month IN EXECUTE format(
        'SELECT date_trunc(''month'', moment) FROM unnest($1) AS moment '
        'UNION SELECT date_trunc(''month'', changed_at) FROM %s ORDER BY 1', waiting) USING moments
    LOOP
        next_month := month + interval '1 month';
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
            WHERE inhparent = 'price_changes'::regclass
              AND pg_get_expr(relpartbound, part.oid) = format('FOR VALUES FROM (%L) TO (%L)', month, next_month));
        name := free_table_name('price_changes_' || to_char(month, 'YYYY_MM'));
        EXECUTE format('CREATE TABLE %I (LIKE price_changes INCLUDING DEFAULTS)', name);
        -- From here to the commit nobody may add a row of this month to the default partition.
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', waiting);
        EXECUTE format(
            'WITH moved AS (DELETE FROM %s WHERE changed_at >= %L AND changed_at < %L RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved', waiting, month, next_month, name);
        EXECUTE format(
            'ALTER TABLE price_changes ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, month, next_month);
    END LOOP;
END
$function$;

-- The name itself, or with a number where a table has it already, a detached partition for one.
CREATE FUNCTION free_table_name(wanted text) RETURNS text LANGUAGE sql STABLE AS $function$
    SELECT name FROM (
        SELECT wanted AS name, 1 AS number UNION ALL
        SELECT wanted || '_' || number, number FROM generate_series(2, 1000) AS number) AS names
    WHERE to_regclass(quote_ident(name)) IS NULL ORDER BY number LIMIT 1
$function$;

REVOKE ALL ON FUNCTION add_price_change_months(timestamptz[]) FROM PUBLIC;

-- A function with its owner's rights must not find another's tables first.
DO $block$ BEGIN
    EXECUTE format('ALTER FUNCTION add_price_change_months(timestamptz[]) SET search_path = %I, pg_temp',
                   current_schema());
END $block$;
--end
