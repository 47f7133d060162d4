-- +goose Up
CREATE TABLE order_lines (
    order_id       BLOB    NOT NULL CHECK (length(order_id) = 16),
    position       INTEGER NOT NULL CHECK (typeof(position) = 'integer'),
    product_id     BLOB    NOT NULL CHECK (length(product_id) = 16),
    name           TEXT    NOT NULL CHECK (length(name) <= 120),
    unit_price_won INTEGER NOT NULL CONSTRAINT order_lines_price CHECK (typeof(unit_price_won) = 'integer' AND unit_price_won >= 0),
    quantity       INTEGER NOT NULL CONSTRAINT order_lines_quantity CHECK (typeof(quantity) = 'integer' AND quantity > 0),
    PRIMARY KEY (order_id, position)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE order_lines;
