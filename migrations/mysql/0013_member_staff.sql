-- +goose Up
-- Who answers for which shop. Named queries: the staff of a shop (primary key), the shops of a member
-- (every principal; the second key answers it alone).
CREATE TABLE member_staff (
    shop_id    BINARY(16)  NOT NULL,
    member_id  BINARY(16)  NOT NULL,
    role       VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (shop_id, member_id),
    KEY member_staff_member (member_id, shop_id, role)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_staff;
