-- +goose Up
-- Codes that stand in for a lost second factor, once each; more is in the file of the same name for MySQL.
CREATE TABLE member_recovery_codes (
    member_id BLOB NOT NULL CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    code_hash BLOB NOT NULL CHECK (typeof(code_hash) = 'blob' AND length(code_hash) = 32),
    PRIMARY KEY (member_id, code_hash)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE member_recovery_codes;
