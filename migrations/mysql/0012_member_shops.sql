-- +goose Up
-- The sellers. Named query: by id (primary key). Shops and members are never deleted, so their children need no foreign key.
CREATE TABLE member_shops (
    id         BINARY(16)  NOT NULL,
    name       VARCHAR(60) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_shops;
