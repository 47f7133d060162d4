-- +goose Up
-- Whom a shop has invited to its staff; a row goes with the answer. Named queries: by id (primary key), the open ones of a
-- shop and whether an address has one (the first key), those of an address (the second), what has ended (sweep).
CREATE TABLE member_invitations (
    id         BINARY(16)   NOT NULL,
    shop_id    BINARY(16)   NOT NULL,
    email      VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    role       VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    invited_by BINARY(16)   NOT NULL COMMENT 'whose role must still allow it when it is accepted',
    created_at DATETIME(6)  NOT NULL,
    expires_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY member_invitations_shop (shop_id, email),
    KEY member_invitations_email (email),
    KEY member_invitations_expires (expires_at),
    CONSTRAINT member_invitations_role CHECK (role IN ('owner', 'manager', 'agent'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_invitations;
