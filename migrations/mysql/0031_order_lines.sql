-- +goose Up
CREATE TABLE order_lines (
    order_id       BINARY(16)   NOT NULL,
    position       INT          NOT NULL COMMENT '1, 2, 3 in the order of the draft',
    product_id     BINARY(16)   NOT NULL,
    name           VARCHAR(120) NOT NULL COMMENT 'as it was when ordered',
    unit_price_won BIGINT       NOT NULL COMMENT 'as it was when ordered',
    quantity       BIGINT       NOT NULL,
    PRIMARY KEY (order_id, position),
    CONSTRAINT order_lines_price CHECK (unit_price_won >= 0),
    CONSTRAINT order_lines_quantity CHECK (quantity > 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE order_lines;
