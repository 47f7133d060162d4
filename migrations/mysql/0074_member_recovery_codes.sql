-- +goose Up
-- Codes that stand in for a lost second factor, once each: a row goes with its use. Only hashes are kept; nobody guesses
-- the 80 random bits of one. Named query: by member and hash, or all of a member (primary key).
CREATE TABLE member_recovery_codes (
    member_id BINARY(16) NOT NULL,
    code_hash BINARY(32) NOT NULL,
    PRIMARY KEY (member_id, code_hash)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_recovery_codes;
