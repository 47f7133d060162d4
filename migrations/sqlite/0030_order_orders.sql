-- +goose Up
CREATE TABLE order_orders (
    id              BLOB     NOT NULL CHECK (length(id) = 16),
    number          TEXT     NOT NULL CHECK (length(number) = 15),
    buyer_id        BLOB     NOT NULL CHECK (length(buyer_id) = 16),
    client_order_id BLOB     NOT NULL CHECK (length(client_order_id) = 16),
    shop_id         BLOB     NOT NULL CHECK (length(shop_id) = 16),
    status          TEXT     NOT NULL CHECK (length(status) <= 12),
    total_won       INTEGER  NOT NULL CONSTRAINT order_orders_total CHECK (typeof(total_won) = 'integer' AND total_won >= 0),
    line_count      INTEGER  NOT NULL CHECK (typeof(line_count) = 'integer'),
    created_at      DATETIME NOT NULL,
    updated_at      DATETIME NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX order_orders_number ON order_orders (number);
CREATE UNIQUE INDEX order_orders_client_key ON order_orders (client_order_id, buyer_id);
CREATE INDEX order_orders_buyer ON order_orders (buyer_id, id);
CREATE INDEX order_orders_shop ON order_orders (shop_id, id);
CREATE INDEX order_orders_shop_status ON order_orders (shop_id, status, id);
CREATE INDEX order_orders_shop_buyer ON order_orders (shop_id, buyer_id, id);

-- +goose Down
DROP TABLE order_orders;
