-- +goose Up
-- The passkeys of members; the columns are explained in the file of the same name for MySQL.
CREATE TABLE member_passkeys (
    id              BLOB     NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    member_id       BLOB     NOT NULL CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    credential_hash BLOB     NOT NULL CHECK (typeof(credential_hash) = 'blob' AND length(credential_hash) = 32),
    credential      BLOB     NOT NULL CHECK (typeof(credential) = 'blob' AND length(credential) <= 65535),
    name            TEXT     NOT NULL CHECK (typeof(name) = 'text' AND length(name) <= 40),
    created_at      DATETIME NOT NULL,
    last_used_at    DATETIME NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX member_passkeys_credential ON member_passkeys (credential_hash);
CREATE INDEX member_passkeys_member ON member_passkeys (member_id);

-- +goose Down
DROP TABLE member_passkeys;
