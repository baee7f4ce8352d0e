"""The first house: accounts, bots, the fleet, installations, modules, cases, audit and the job queue.

Revision ID: 0001
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ACCOUNTS = """
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL CHECK (length(email) <= 254),
    email_key text NOT NULL,
    password_hash text,
    display_name text CHECK (length(display_name) BETWEEN 1 AND 80),
    locale text NOT NULL DEFAULT 'en' CHECK (locale IN ('en', 'fr')),
    token_version integer NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
    created_at timestamptz NOT NULL,
    email_verified_at timestamptz,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX users_email_key_key ON users (email_key);

CREATE TABLE account_tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    purpose text NOT NULL CHECK (purpose IN ('verify', 'reset', 'address', 'notice')),
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    email text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CHECK ((purpose IN ('verify', 'address')) = (email IS NOT NULL))
);
CREATE INDEX account_tokens_user_id_idx ON account_tokens (user_id, purpose);
CREATE INDEX account_tokens_expires_at_idx ON account_tokens (expires_at);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    authenticated_at timestamptz NOT NULL,
    amr text[] NOT NULL CHECK (cardinality(amr) > 0),
    user_agent text,
    ip text
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    replaced_by bytea
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expires_at_idx ON refresh_tokens (expires_at);

CREATE TABLE totp_seeds (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    ciphertext bytea NOT NULL CHECK (octet_length(ciphertext) >= 33 AND get_byte(ciphertext, 0) = 1),
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint NOT NULL
);

CREATE TABLE recovery_codes (
    code_hash bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX recovery_codes_user_id_idx ON recovery_codes (user_id);

CREATE TABLE pending_logins (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    token_version integer NOT NULL,
    amr text[] NOT NULL CHECK (cardinality(amr) > 0),
    attempts integer NOT NULL CHECK (attempts BETWEEN 0 AND 5),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX pending_logins_user_id_idx ON pending_logins (user_id);
CREATE INDEX pending_logins_created_at_idx ON pending_logins (created_at);

CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    credential_id bytea NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    public_key bytea NOT NULL,
    user_handle bytea NOT NULL CHECK (octet_length(user_handle) = 64),
    sign_count bigint NOT NULL CHECK (sign_count >= 0),
    transports text[] NOT NULL,
    backed_up boolean NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX passkeys_user_id_idx ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    challenge_hash bytea PRIMARY KEY CHECK (octet_length(challenge_hash) = 32),
    purpose text NOT NULL CHECK (purpose IN ('register', 'sign_in', 'second_step', 'reauthenticate')),
    bound_to uuid,
    user_handle bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- only a sign-in begins with nobody
    CHECK ((purpose = 'sign_in') = (bound_to IS NULL))
);
CREATE INDEX passkey_challenges_expires_at_idx ON passkey_challenges (expires_at);

CREATE TABLE discord_accounts (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    discord_user_id bigint NOT NULL UNIQUE,
    username text NOT NULL,
    access_ciphertext bytea NOT NULL
        CHECK (octet_length(access_ciphertext) >= 33 AND get_byte(access_ciphertext, 0) = 1),
    refresh_ciphertext bytea NOT NULL
        CHECK (octet_length(refresh_ciphertext) >= 33 AND get_byte(refresh_ciphertext, 0) = 1),
    access_expires_at timestamptz NOT NULL,
    connected_at timestamptz NOT NULL
);

CREATE TABLE mails (
    id uuid PRIMARY KEY,
    letter bytea NOT NULL CHECK (octet_length(letter) >= 33 AND get_byte(letter, 0) = 1),
    queued_at timestamptz NOT NULL,
    handed_over_at timestamptz,
    hand_overs bigint NOT NULL DEFAULT 0
);
CREATE INDEX mails_queued_at_idx ON mails (queued_at);
"""

_BOTS = """
CREATE TABLE bots (
    id uuid PRIMARY KEY,
    owner_user_id uuid REFERENCES users (id),
    kind text NOT NULL CHECK (kind IN ('shared', 'branded')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    application_id bigint,
    discord_user_id bigint,
    avatar_hash text,
    desired_state text NOT NULL CHECK (desired_state IN ('running', 'stopped')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    -- written with its owner's suspension, so that the engine need not know the owner
    suspended_at timestamptz,
    CHECK ((kind = 'shared') = (owner_user_id IS NULL))
);
CREATE INDEX bots_owner_user_id_idx ON bots (owner_user_id);
CREATE UNIQUE INDEX bots_application_id_key ON bots (application_id) WHERE removed_at IS NULL;

CREATE TABLE bot_tokens (
    bot_id uuid PRIMARY KEY REFERENCES bots (id) ON DELETE CASCADE,
    ciphertext bytea NOT NULL
        -- 0x01, key id, IV and tag are 33 bytes: plaintext cannot be stored here even by a bug
        CHECK (octet_length(ciphertext) >= 33 AND get_byte(ciphertext, 0) = 1),
    last4 text NOT NULL CHECK (length(last4) = 4),
    updated_at timestamptz NOT NULL
);

CREATE TABLE bot_statuses (
    bot_id uuid PRIMARY KEY REFERENCES bots (id) ON DELETE CASCADE,
    state text NOT NULL
        CHECK (state IN ('starting', 'online', 'degraded', 'token_invalid', 'stopped', 'removed')),
    reason text,
    detail jsonb NOT NULL,
    engine_id uuid,
    commands_hash text,
    since_at timestamptz NOT NULL,
    reported_at timestamptz NOT NULL
);

INSERT INTO bots (id, kind, name, desired_state, created_at, updated_at)
VALUES ('00000000-0000-7000-8000-000000000001', 'shared', 'Astero', 'running', now(), now());
"""

_FLEET = """
CREATE TABLE engines (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    started_at timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    draining boolean NOT NULL
);

CREATE TABLE bot_leases (
    bot_id uuid PRIMARY KEY REFERENCES bots (id) ON DELETE CASCADE,
    engine_id uuid,
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX bot_leases_engine_id_idx ON bot_leases (engine_id);

CREATE TABLE identify_budgets (
    application_id bigint PRIMARY KEY,
    total integer NOT NULL,
    remaining integer NOT NULL,
    max_concurrency integer NOT NULL,
    resets_at timestamptz NOT NULL
);

CREATE TABLE gateway_sessions (
    bot_id uuid PRIMARY KEY REFERENCES bots (id) ON DELETE CASCADE,
    fence bigint NOT NULL,
    session_id text NOT NULL,
    resume_url text NOT NULL,
    sequence bigint NOT NULL,
    intents bigint NOT NULL,
    guilds jsonb NOT NULL,
    saved_at timestamptz NOT NULL
);
"""

_GUILDS = """
CREATE TABLE installations (
    id uuid PRIMARY KEY,
    bot_id uuid NOT NULL REFERENCES bots (id),
    guild_id bigint NOT NULL,
    guild_name text NOT NULL,
    guild_icon text,
    guild_owner_id bigint,
    guild_locale text,
    member_count integer,
    present boolean NOT NULL,
    joined_at timestamptz NOT NULL,
    removed_at timestamptz,
    removed_by text,
    restored_at timestamptz
);
CREATE INDEX installations_guild_idx ON installations (bot_id, guild_id);
CREATE UNIQUE INDEX installations_active_key ON installations (bot_id, guild_id) WHERE removed_at IS NULL;
CREATE INDEX installations_removed_at_idx ON installations (removed_at) WHERE removed_at IS NOT NULL;

-- That something was purged here, and no more: the server cannot be read from its fingerprint.
CREATE TABLE purged_guilds (
    fingerprint bytea PRIMARY KEY CHECK (octet_length(fingerprint) = 32),
    purged_at timestamptz NOT NULL
);

CREATE TABLE module_configs (
    installation_id uuid NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    module text NOT NULL,
    bot_id uuid NOT NULL,
    guild_id bigint NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    config jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (installation_id, module)
);
CREATE INDEX module_configs_guild_idx ON module_configs (bot_id, guild_id);

CREATE TABLE module_revisions (
    installation_id uuid NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    module text NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    bot_id uuid NOT NULL,
    guild_id bigint NOT NULL,
    config jsonb NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (installation_id, module, revision)
);

CREATE TABLE cases (
    id uuid PRIMARY KEY,
    installation_id uuid NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    bot_id uuid NOT NULL,
    guild_id bigint NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    action text NOT NULL
        CHECK (action IN ('note', 'warn', 'delete', 'timeout', 'kick', 'ban', 'unban', 'purge')),
    source text NOT NULL CHECK (source IN ('automod', 'command', 'api')),
    source_key text,
    rule text,
    moderator_id text NOT NULL,
    moderator_name text,
    target_id bigint NOT NULL,
    target_name text,
    channel_id bigint,
    message_id bigint,
    reason text CHECK (length(reason) <= 512),
    internal_note text CHECK (length(internal_note) <= 2000),
    duration_seconds integer CHECK (duration_seconds > 0),
    expires_at timestamptz,
    lifted_at timestamptz,
    related integer[] NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
    failure text,
    log_message_id bigint,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (bot_id, guild_id, number),
    UNIQUE (bot_id, guild_id, source_key)
);
CREATE INDEX cases_installation_idx ON cases (installation_id, number);
CREATE INDEX cases_target_idx ON cases (bot_id, guild_id, target_id);
CREATE INDEX cases_pending_idx ON cases (bot_id, id) WHERE state = 'pending';
CREATE INDEX cases_expiry_idx ON cases (expires_at) WHERE expires_at IS NOT NULL AND lifted_at IS NULL;

CREATE TABLE case_counters (
    bot_id uuid NOT NULL,
    guild_id bigint NOT NULL,
    last_number integer NOT NULL,
    PRIMARY KEY (bot_id, guild_id)
);
"""

_WEBHOOKS = """
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    installation_id uuid NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    bot_id uuid NOT NULL,
    guild_id bigint NOT NULL,
    url text NOT NULL CHECK (length(url) <= 2048 AND url LIKE 'https://%'),
    description text CHECK (length(description) BETWEEN 1 AND 100),
    events text[] NOT NULL CHECK (cardinality(events) > 0),
    state text NOT NULL CHECK (state IN ('enabled', 'disabled')),
    disabled_reason text CHECK (disabled_reason IN ('by_hand', 'gone', 'failing', 'blocked')),
    disabled_at timestamptz,
    blocked_attempts integer NOT NULL,
    troubled_since timestamptz,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK ((state = 'disabled') = (disabled_reason IS NOT NULL))
);
CREATE INDEX webhooks_installation_idx ON webhooks (installation_id, id);
CREATE INDEX webhooks_guild_idx ON webhooks (bot_id, guild_id) WHERE state = 'enabled';

CREATE TABLE webhook_secrets (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    ciphertext bytea NOT NULL CHECK (octet_length(ciphertext) >= 33 AND get_byte(ciphertext, 0) = 1),
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);
CREATE INDEX webhook_secrets_webhook_idx ON webhook_secrets (webhook_id, id);
CREATE INDEX webhook_secrets_expires_idx ON webhook_secrets (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE webhook_deliveries (
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id uuid NOT NULL,
    installation_id uuid NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    bot_id uuid NOT NULL,
    guild_id bigint NOT NULL,
    kind text NOT NULL,
    actor jsonb NOT NULL,
    data jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts integer NOT NULL CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL,
    claim uuid,
    outcome text,
    status integer,
    latency_ms integer,
    answer text CHECK (length(answer) <= 1024),
    created_at timestamptz NOT NULL,
    attempted_at timestamptz,
    PRIMARY KEY (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_waiting_idx ON webhook_deliveries (webhook_id, next_attempt_at)
    WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (next_attempt_at) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_claimed_idx ON webhook_deliveries (webhook_id) WHERE claim IS NOT NULL;
CREATE INDEX webhook_deliveries_installation_idx ON webhook_deliveries (installation_id);
CREATE INDEX webhook_deliveries_created_idx ON webhook_deliveries (created_at);
"""

_AUDIT = """
CREATE TABLE audit_entries (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    chain text NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'member', 'system')),
    actor_id text NOT NULL,
    account_id uuid,
    bot_id uuid,
    guild_id bigint,
    action text NOT NULL,
    target text,
    details jsonb NOT NULL,
    personal jsonb,
    personal_salt bytea,
    personal_hash bytea CHECK (octet_length(personal_hash) = 32),
    UNIQUE (chain, seq),
    CHECK (guild_id IS NULL OR bot_id IS NOT NULL),
    CHECK ((personal IS NULL) = (personal_salt IS NULL)),
    CHECK (personal IS NULL OR personal_hash IS NOT NULL)
);
CREATE INDEX audit_entries_guild_idx ON audit_entries (bot_id, guild_id) WHERE guild_id IS NOT NULL;
CREATE INDEX audit_entries_account_idx ON audit_entries (account_id, id) WHERE account_id IS NOT NULL;

-- The newest entry of each chain that was told to the outside.
CREATE TABLE audit_heads (
    chain text PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    bot_id uuid,
    guild_id bigint,
    told_at timestamptz NOT NULL
);

CREATE FUNCTION audit_chain(bot uuid, guild bigint, account uuid) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN guild IS NOT NULL THEN 'guild:' || bot || ':' || guild
                WHEN account IS NOT NULL THEN 'account:' || account
                ELSE 'platform' END
$$;

-- Held until the end of the transaction: whoever adds to a chain, or takes it away, does so alone. Two chains
-- with one key wait for each other in vain, and no more.
CREATE FUNCTION lock_audit_chain(chain text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(chain, 0));
END
$$;

-- Place, link and hash are decided here, whatever was sent: a service adds to a chain, but cannot forge it.
-- The encoding is told in astero_shared/audit/canonical.py.
CREATE FUNCTION chain_audit_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.chain := audit_chain(NEW.bot_id, NEW.guild_id, NEW.account_id);
    NEW.personal_salt := NULL;
    NEW.personal_hash := NULL;
    IF NEW.personal IS NOT NULL THEN
        NEW.personal_salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
        NEW.personal_hash := sha256(NEW.personal_salt || convert_to(NEW.personal::text, 'UTF8'));
    END IF;
    PERFORM lock_audit_chain(NEW.chain);
    -- A statement of its own sees what was committed while it waited.
    SELECT e.seq + 1, e.hash INTO NEW.seq, NEW.prev_hash FROM audit_entries e
    WHERE e.chain = NEW.chain ORDER BY e.seq DESC LIMIT 1;
    IF NOT FOUND THEN
        NEW.seq := 1;
        NEW.prev_hash := decode(repeat('00', 32), 'hex');
    END IF;
    SELECT sha256(string_agg(
               CASE WHEN field IS NULL THEN '\\x00'::bytea
                    ELSE '\\x01'::bytea || int4send(octet_length(field)) || field END,
               ''::bytea ORDER BY place))
    INTO NEW.hash
    FROM unnest(ARRAY[
        convert_to('astero-audit-1', 'UTF8'),
        convert_to(NEW.chain, 'UTF8'),
        convert_to(NEW.seq::text, 'UTF8'),
        NEW.prev_hash,
        convert_to(NEW.id::text, 'UTF8'),
        convert_to((extract(epoch FROM NEW.at) * 1000000)::bigint::text, 'UTF8'),
        convert_to(NEW.actor_kind, 'UTF8'),
        convert_to(NEW.actor_id, 'UTF8'),
        convert_to(NEW.account_id::text, 'UTF8'),
        convert_to(NEW.bot_id::text, 'UTF8'),
        convert_to(NEW.guild_id::text, 'UTF8'),
        convert_to(NEW.action, 'UTF8'),
        convert_to(NEW.target, 'UTF8'),
        convert_to(NEW.details::text, 'UTF8'),
        NEW.personal_hash
    ]) WITH ORDINALITY AS fields (field, place);
    RETURN NEW;
END
$$;
CREATE TRIGGER chain_audit_entry BEFORE INSERT ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION chain_audit_entry();

-- For everybody, owner and administrators included, but two functions of the owner that say what they do: a
-- server's entries go 14 days after its removal, and what is personal in an entry can be forgotten.
CREATE FUNCTION keep_audit_entries() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.guild_id IS NOT NULL AND current_setting('astero.audit', true) = 'purge' THEN
            RETURN OLD;
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        IF NEW.personal IS NULL AND current_setting('astero.audit', true) = 'erase'
            AND to_jsonb(NEW) - '{personal,personal_salt}'::text[]
                = to_jsonb(OLD) - '{personal,personal_salt}'::text[] THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit entries are added and read, never changed'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep_audit_entries BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION keep_audit_entries();
CREATE TRIGGER keep_all_audit_entries BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_entries();
ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER keep_audit_entries;
ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER keep_all_audit_entries;

-- Names and addresses in the entries of one account, forgotten; the chains stay whole.
CREATE FUNCTION erase_audit_personal(account uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    erased bigint;
BEGIN
    PERFORM set_config('astero.audit', 'erase', true);
    UPDATE audit_entries SET personal = NULL, personal_salt = NULL
    WHERE account_id = account AND personal IS NOT NULL;
    GET DIAGNOSTICS erased = ROW_COUNT;
    PERFORM set_config('astero.audit', '', true);
    RETURN erased;
END
$$;
"""

# The api may not delete a server's audit rows; it may ask for a purge, and the deadline is decided here.
# Which tables hold rows of a server is read from the catalog, so that a table added later is not forgotten.
_PURGE = """
CREATE FUNCTION purge_installation(target uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    gone installations%ROWTYPE;
    counts jsonb := '{}';
    server bytea;
    deleted bigint;
    place record;
BEGIN
    SELECT * INTO gone FROM installations
    WHERE id = target AND removed_at <= now() - interval '14 days' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Nobody adds to the server's audit chain while it goes: what came later would hang on nothing.
    PERFORM lock_audit_chain(audit_chain(gone.bot_id, gone.guild_id, NULL));
    PERFORM set_config('astero.audit', 'purge', true);
    FOR place IN
        SELECT c.table_name,
               bool_or(c.column_name = 'installation_id') AS by_installation
        FROM information_schema.columns c
        JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
          AND c.column_name IN ('installation_id', 'guild_id', 'bot_id') AND c.table_name <> 'installations'
        GROUP BY c.table_name
        HAVING bool_or(c.column_name = 'guild_id') AND bool_or(c.column_name = 'bot_id')
        ORDER BY c.table_name
    LOOP
        IF place.by_installation THEN
            EXECUTE format('DELETE FROM public.%I WHERE installation_id = $1', place.table_name)
                USING gone.id;
        ELSIF NOT EXISTS (SELECT 1 FROM installations other
                          WHERE (other.bot_id, other.guild_id) = (gone.bot_id, gone.guild_id)
                            AND other.id <> gone.id) THEN
            EXECUTE format('DELETE FROM public.%I WHERE bot_id = $1 AND guild_id = $2', place.table_name)
                USING gone.bot_id, gone.guild_id;
        ELSE
            CONTINUE;
        END IF;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        counts := counts || jsonb_build_object(place.table_name, deleted);
    END LOOP;
    PERFORM set_config('astero.audit', '', true);
    DELETE FROM installations WHERE id = gone.id;
    server := sha256(convert_to(gone.bot_id::text || ':' || gone.guild_id::text, 'UTF8'));
    INSERT INTO purged_guilds VALUES (server, now()) ON CONFLICT (fingerprint) DO NOTHING;
    RETURN jsonb_build_object(
        'rows', counts || jsonb_build_object('installations', 1), 'server', encode(server, 'hex'));
END
$$;
REVOKE ALL ON FUNCTION purge_installation(uuid) FROM PUBLIC;
"""


def upgrade() -> None:
    for part in (_ACCOUNTS, _BOTS, _FLEET, _GUILDS, _WEBHOOKS, _AUDIT, _PURGE):
        op.execute(part)
    # The queue's own schema, as the library ships it; a colon would be read as a blank to fill in.
    op.execute(SchemaManager.get_schema().replace(":", r"\:"))


def downgrade() -> None:
    raise RuntimeError("the first migration has no way back: restore a backup")
