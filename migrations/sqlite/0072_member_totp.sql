-- +goose Up
-- The authenticator app of a member; the columns are explained in the file of the same name for MySQL.
CREATE TABLE member_totp (
    member_id BLOB    NOT NULL PRIMARY KEY CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    secret    BLOB    NULL CHECK (secret IS NULL OR (typeof(secret) = 'blob' AND length(secret) <= 96)),
    pending   BLOB    NULL CHECK (pending IS NULL OR (typeof(pending) = 'blob' AND length(pending) <= 96)),
    last_step BIGINT  NOT NULL DEFAULT 0 CHECK (typeof(last_step) = 'integer')
) WITHOUT ROWID;

-- +goose Down
DROP TABLE member_totp;
