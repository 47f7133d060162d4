-- +goose Up
-- The authenticator app of a member. Secrets are encrypted with a key that the database does not have; the first bytes
-- name the key. Named query: by member (primary key).
CREATE TABLE member_totp (
    member_id BINARY(16)    NOT NULL,
    secret    VARBINARY(96) NULL COMMENT 'the one that counts; NULL: none has been confirmed yet',
    pending   VARBINARY(96) NULL COMMENT 'shown, and not confirmed by a code yet',
    last_step BIGINT        NOT NULL DEFAULT 0 COMMENT 'of the newest code taken: none is taken twice',
    PRIMARY KEY (member_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_totp;
