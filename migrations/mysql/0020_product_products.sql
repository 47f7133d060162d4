-- +goose Up
CREATE TABLE product_products (
    id             BINARY(16)   NOT NULL,
    shop_id        BINARY(16)   NOT NULL,
    name           VARCHAR(120) NOT NULL,
    search_name    VARCHAR(360) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'name in lower case without spaces',
    description    TEXT         NOT NULL,
    category       VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    price_won      BIGINT       NOT NULL,
    list_price_won BIGINT       NOT NULL COMMENT '0: never on sale',
    stock          BIGINT       NOT NULL,
    hidden         BOOLEAN      NOT NULL,
    deleted        BOOLEAN      NOT NULL COMMENT 'kept for the orders and talks that show it',
    created_at     DATETIME(6)  NOT NULL,
    updated_at     DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    KEY product_products_category (category, deleted, hidden, id),
    KEY product_products_shop_front (shop_id, deleted, hidden, id),
    KEY product_products_shop_category (shop_id, category, deleted, hidden, id),
    KEY product_products_shop (shop_id, deleted, id),
    CONSTRAINT product_products_price CHECK (price_won >= 0),
    CONSTRAINT product_products_list_price CHECK (list_price_won >= 0),
    CONSTRAINT product_products_stock CHECK (stock >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE product_products;
