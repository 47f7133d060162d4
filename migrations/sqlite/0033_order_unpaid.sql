-- +goose Up
-- SQLite adds no constraint to a table that is there, so the table is made anew.
CREATE TABLE order_orders_next (
    id              BLOB     NOT NULL CHECK (length(id) = 16),
    number          TEXT     NOT NULL CHECK (length(number) = 15),
    buyer_id        BLOB     NOT NULL CHECK (length(buyer_id) = 16),
    client_order_id BLOB     NOT NULL CHECK (length(client_order_id) = 16),
    shop_id         BLOB     NOT NULL CHECK (length(shop_id) = 16),
    status          TEXT     NOT NULL CONSTRAINT order_orders_known_status CHECK (status IN ('placed', 'paid', 'preparing', 'shipped', 'delivered', 'completed', 'cancelled', 'refunded')),
    total_won       INTEGER  NOT NULL CONSTRAINT order_orders_total CHECK (typeof(total_won) = 'integer' AND total_won >= 0),
    line_count      INTEGER  NOT NULL CHECK (typeof(line_count) = 'integer'),
    created_at      DATETIME NOT NULL,
    updated_at      DATETIME NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO order_orders_next (id, number, buyer_id, client_order_id, shop_id, status, total_won, line_count, created_at, updated_at)
    SELECT id, number, buyer_id, client_order_id, shop_id, status, total_won, line_count, created_at, updated_at FROM order_orders;
DROP TABLE order_orders;
ALTER TABLE order_orders_next RENAME TO order_orders;
CREATE UNIQUE INDEX order_orders_number ON order_orders (number);
CREATE UNIQUE INDEX order_orders_client_key ON order_orders (client_order_id, buyer_id);
CREATE INDEX order_orders_buyer ON order_orders (buyer_id, id);
CREATE INDEX order_orders_shop ON order_orders (shop_id, id);
CREATE INDEX order_orders_shop_status ON order_orders (shop_id, status, id);
CREATE INDEX order_orders_shop_buyer ON order_orders (shop_id, buyer_id, id);
CREATE INDEX order_orders_status_buyer ON order_orders (status, buyer_id);
CREATE INDEX order_orders_status ON order_orders (status, created_at, id);

-- +goose Down
CREATE TABLE order_orders_next (
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
INSERT INTO order_orders_next (id, number, buyer_id, client_order_id, shop_id, status, total_won, line_count, created_at, updated_at)
    SELECT id, number, buyer_id, client_order_id, shop_id, status, total_won, line_count, created_at, updated_at FROM order_orders;
DROP TABLE order_orders;
ALTER TABLE order_orders_next RENAME TO order_orders;
CREATE UNIQUE INDEX order_orders_number ON order_orders (number);
CREATE UNIQUE INDEX order_orders_client_key ON order_orders (client_order_id, buyer_id);
CREATE INDEX order_orders_buyer ON order_orders (buyer_id, id);
CREATE INDEX order_orders_shop ON order_orders (shop_id, id);
CREATE INDEX order_orders_shop_status ON order_orders (shop_id, status, id);
CREATE INDEX order_orders_shop_buyer ON order_orders (shop_id, buyer_id, id);
