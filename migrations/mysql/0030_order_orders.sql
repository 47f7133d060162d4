-- +goose Up
CREATE TABLE order_orders (
    id              BINARY(16)  NOT NULL,
    number          CHAR(15)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'for people: 20261122-7F3K2Q, the date in Korea',
    buyer_id        BINARY(16)  NOT NULL,
    client_order_id BINARY(16)  NOT NULL COMMENT 'the buyer''s own key for placing it once',
    shop_id         BINARY(16)  NOT NULL,
    status          VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    total_won       BIGINT      NOT NULL,
    line_count      INT         NOT NULL,
    created_at      DATETIME(6) NOT NULL,
    updated_at      DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY order_orders_number (number),
    UNIQUE KEY order_orders_client_key (client_order_id, buyer_id),
    KEY order_orders_buyer (buyer_id, id),
    KEY order_orders_shop (shop_id, id),
    KEY order_orders_shop_status (shop_id, status, id),
    KEY order_orders_shop_buyer (shop_id, buyer_id, id),
    CONSTRAINT order_orders_total CHECK (total_won >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE order_orders;
