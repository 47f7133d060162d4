-- +goose Up
CREATE TABLE order_buyers (
    buyer_id BINARY(16) NOT NULL COMMENT 'its row is locked by who places an order, so that two at once count each other',
    PRIMARY KEY (buyer_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE order_buyers;
