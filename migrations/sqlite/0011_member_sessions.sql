-- +goose Up
-- One row a login; the columns are explained in the file of the same name for MySQL.
CREATE TABLE member_sessions (
    id           BLOB     NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    member_id    BLOB     NOT NULL CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    kind         TEXT     NOT NULL CHECK (kind IN ('web', 'api')),
    token_hash   BLOB     NOT NULL CHECK (typeof(token_hash) = 'blob' AND length(token_hash) = 32),
    refresh_hash BLOB     NULL CHECK (refresh_hash IS NULL OR (typeof(refresh_hash) = 'blob' AND length(refresh_hash) = 32)),
    refresh_alt  BLOB     NULL CHECK (refresh_alt IS NULL OR (typeof(refresh_alt) = 'blob' AND length(refresh_alt) = 32)),
    refresh_used BLOB     NULL CHECK (refresh_used IS NULL OR (typeof(refresh_used) = 'blob' AND length(refresh_used) = 32)),
    refreshed_at DATETIME NULL,
    created_at   DATETIME NOT NULL,
    expires_at   DATETIME NOT NULL,
    revoked_at   DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX member_sessions_member ON member_sessions (member_id);
CREATE INDEX member_sessions_expires ON member_sessions (expires_at);

-- +goose Down
DROP TABLE member_sessions;
