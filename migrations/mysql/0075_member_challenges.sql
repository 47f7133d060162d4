-- +goose Up
-- Proofs that were asked for: the second half of a login, a step-up, a new passkey. Named queries: by id (primary key),
-- all of a member (a new password ends them), what has ended (sweep).
CREATE TABLE member_challenges (
    id          BINARY(16)  NOT NULL,
    member_id   BINARY(16)  NOT NULL,
    session_id  BINARY(16)  NULL COMMENT 'the login that asked; NULL: there is none yet',
    purpose     VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    secret_hash BINARY(32)  NOT NULL COMMENT 'of what the asker was given',
    data        BLOB        NULL COMMENT 'what the passkey is to sign, as JSON',
    tries       INT         NOT NULL DEFAULT 0,
    answered_by BINARY(16)  NULL COMMENT 'names the answer that was taken; there is one',
    created_at  DATETIME(6) NOT NULL,
    expires_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    KEY member_challenges_member (member_id),
    KEY member_challenges_expires (expires_at),
    CONSTRAINT member_challenges_purpose CHECK (purpose IN ('login', 'step_up', 'passkey'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_challenges;
