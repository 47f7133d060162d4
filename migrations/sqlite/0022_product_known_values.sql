-- +goose Up
-- SQLite adds no constraint to a table that is there, so the table is made anew.
CREATE TABLE product_products_next (
    id             BLOB     NOT NULL CHECK (length(id) = 16),
    shop_id        BLOB     NOT NULL CHECK (length(shop_id) = 16),
    name           TEXT     NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    search_name    TEXT     NOT NULL CHECK (length(search_name) <= 360),
    description    TEXT     NOT NULL CHECK (length(CAST(description AS BLOB)) <= 65535),
    category       TEXT     NOT NULL CONSTRAINT product_products_known_category CHECK (category IN ('fashion', 'beauty', 'food', 'home', 'digital', 'hobby')),
    price_won      INTEGER  NOT NULL CONSTRAINT product_products_price CHECK (typeof(price_won) = 'integer' AND price_won >= 0),
    list_price_won INTEGER  NOT NULL CONSTRAINT product_products_list_price CHECK (typeof(list_price_won) = 'integer' AND list_price_won >= 0),
    stock          INTEGER  NOT NULL CONSTRAINT product_products_stock CHECK (typeof(stock) = 'integer' AND stock >= 0),
    hidden         BOOLEAN  NOT NULL CHECK (hidden IN (0, 1)),
    deleted        BOOLEAN  NOT NULL CHECK (deleted IN (0, 1)),
    created_at     DATETIME NOT NULL,
    updated_at     DATETIME NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO product_products_next (id, shop_id, name, search_name, description, category, price_won, list_price_won, stock, hidden, deleted, created_at, updated_at)
    SELECT id, shop_id, name, search_name, description, category, price_won, list_price_won, stock, hidden, deleted, created_at, updated_at FROM product_products;
DROP TABLE product_products;
ALTER TABLE product_products_next RENAME TO product_products;
CREATE INDEX product_products_category ON product_products (category, deleted, hidden, id);
CREATE INDEX product_products_shop_front ON product_products (shop_id, deleted, hidden, id);
CREATE INDEX product_products_shop_category ON product_products (shop_id, category, deleted, hidden, id);
CREATE INDEX product_products_shop ON product_products (shop_id, deleted, id);

-- +goose Down
CREATE TABLE product_products_next (
    id             BLOB     NOT NULL CHECK (length(id) = 16),
    shop_id        BLOB     NOT NULL CHECK (length(shop_id) = 16),
    name           TEXT     NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    search_name    TEXT     NOT NULL CHECK (length(search_name) <= 360),
    description    TEXT     NOT NULL CHECK (length(CAST(description AS BLOB)) <= 65535),
    category       TEXT     NOT NULL CHECK (length(category) <= 16),
    price_won      INTEGER  NOT NULL CONSTRAINT product_products_price CHECK (typeof(price_won) = 'integer' AND price_won >= 0),
    list_price_won INTEGER  NOT NULL CONSTRAINT product_products_list_price CHECK (typeof(list_price_won) = 'integer' AND list_price_won >= 0),
    stock          INTEGER  NOT NULL CONSTRAINT product_products_stock CHECK (typeof(stock) = 'integer' AND stock >= 0),
    hidden         BOOLEAN  NOT NULL CHECK (hidden IN (0, 1)),
    deleted        BOOLEAN  NOT NULL CHECK (deleted IN (0, 1)),
    created_at     DATETIME NOT NULL,
    updated_at     DATETIME NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO product_products_next (id, shop_id, name, search_name, description, category, price_won, list_price_won, stock, hidden, deleted, created_at, updated_at)
    SELECT id, shop_id, name, search_name, description, category, price_won, list_price_won, stock, hidden, deleted, created_at, updated_at FROM product_products;
DROP TABLE product_products;
ALTER TABLE product_products_next RENAME TO product_products;
CREATE INDEX product_products_category ON product_products (category, deleted, hidden, id);
CREATE INDEX product_products_shop_front ON product_products (shop_id, deleted, hidden, id);
CREATE INDEX product_products_shop_category ON product_products (shop_id, category, deleted, hidden, id);
CREATE INDEX product_products_shop ON product_products (shop_id, deleted, id);
