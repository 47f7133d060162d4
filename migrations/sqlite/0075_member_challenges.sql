-- +goose Up
-- Proofs that were asked for; the columns are explained in the file of the same name for MySQL.
CREATE TABLE member_challenges (
    id          BLOB     NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    member_id   BLOB     NOT NULL CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    session_id  BLOB     NULL CHECK (session_id IS NULL OR (typeof(session_id) = 'blob' AND length(session_id) = 16)),
    purpose     TEXT     NOT NULL CHECK (purpose IN ('login', 'step_up', 'passkey')),
    secret_hash BLOB     NOT NULL CHECK (typeof(secret_hash) = 'blob' AND length(secret_hash) = 32),
    data        BLOB     NULL CHECK (data IS NULL OR (typeof(data) = 'blob' AND length(data) <= 65535)),
    tries       INTEGER  NOT NULL DEFAULT 0 CHECK (typeof(tries) = 'integer'),
    answered_by BLOB     NULL CHECK (answered_by IS NULL OR (typeof(answered_by) = 'blob' AND length(answered_by) = 16)),
    created_at  DATETIME NOT NULL,
    expires_at  DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX member_challenges_member ON member_challenges (member_id);
CREATE INDEX member_challenges_expires ON member_challenges (expires_at);

-- +goose Down
DROP TABLE member_challenges;
