-- +goose Up
-- Who has an account. The e-mail is stored normalised (ASCII, lower case), so that a plain unique key
-- over bytes is the case-insensitive one. Named queries: by id (primary key), by e-mail (log in, add staff).
CREATE TABLE member_members (
    id            BINARY(16)   NOT NULL,
    email         VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name          VARCHAR(40)  NOT NULL,
    password_hash VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    operator      TINYINT(1)   NOT NULL DEFAULT 0,
    banned_at     DATETIME(6)  NULL,
    created_at    DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY member_members_email (email)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_members;
