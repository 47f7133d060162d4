-- +goose Up
-- The passkeys of members. Named queries: those of a member (the second key); a credential is one member's (the first).
CREATE TABLE member_passkeys (
    id              BINARY(16)  NOT NULL,
    member_id       BINARY(16)  NOT NULL,
    credential_hash BINARY(32)  NOT NULL COMMENT 'SHA-256 of the credential id',
    credential      BLOB        NOT NULL COMMENT 'the public key, its id and counter, as JSON',
    name            VARCHAR(40) NOT NULL,
    created_at      DATETIME(6) NOT NULL,
    last_used_at    DATETIME(6) NULL,
    PRIMARY KEY (id),
    UNIQUE KEY member_passkeys_credential (credential_hash),
    KEY member_passkeys_member (member_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_passkeys;
