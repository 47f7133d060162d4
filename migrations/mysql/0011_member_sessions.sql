-- +goose Up
-- One row a login. Secrets are kept as SHA-256 only. Named queries: by id (every credential carries it),
-- all of a member (ban), what ended long ago (sweep).
CREATE TABLE member_sessions (
    id           BINARY(16)  NOT NULL,
    member_id    BINARY(16)  NOT NULL,
    kind         VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    token_hash   BINARY(32)  NOT NULL COMMENT 'web: the cookie secret; api: the part all of its refresh tokens share',
    refresh_hash BINARY(32)  NULL COMMENT 'api: the newest refresh token',
    refresh_alt  BINARY(32)  NULL COMMENT 'api: another answer to the same used token, equally good',
    refresh_used BINARY(32)  NULL COMMENT 'api: the token those two were given for',
    refreshed_at DATETIME(6) NULL COMMENT 'api: when refresh_used was used first',
    created_at   DATETIME(6) NOT NULL,
    expires_at   DATETIME(6) NOT NULL,
    revoked_at   DATETIME(6) NULL,
    PRIMARY KEY (id),
    KEY member_sessions_member (member_id),
    KEY member_sessions_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_sessions;
