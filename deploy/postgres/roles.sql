-- The roles of DESIGN section 6, made once by an administrator; passwords are set apart, never in a file.
-- Safe to run again: an existing role is brought back to exactly these attributes.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES
        ('astero_owner',      'NOLOGIN'),
        ('astero_operator',   'NOLOGIN'),
        ('astero_migrator',   'LOGIN CONNECTION LIMIT 5'),
        ('astero_api',        'LOGIN CONNECTION LIMIT 100'),
        ('astero_bot_engine', 'LOGIN CONNECTION LIMIT 100'),
        ('astero_backup',     'LOGIN CONNECTION LIMIT 5')
    ) AS roles(name, attributes) LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I', wanted.name);
        END IF;
        EXECUTE format('ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT %s',
                       wanted.name, wanted.attributes);
    END LOOP;
END
$$;
GRANT astero_owner, astero_operator TO astero_migrator;
ALTER ROLE astero_api SET statement_timeout = '10s';
ALTER ROLE astero_bot_engine SET statement_timeout = '10s';

-- One large object would make the backup role's dump fail, and everybody may make one unless told otherwise.
DO $$
DECLARE
    maker regprocedure;
BEGIN
    FOR maker IN SELECT oid FROM pg_proc
                 WHERE pronamespace = 'pg_catalog'::regnamespace
                   AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', maker);
    END LOOP;
END
$$;
