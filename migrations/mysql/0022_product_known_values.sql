-- +goose Up
ALTER TABLE product_products
    ADD CONSTRAINT product_products_known_category CHECK (category IN ('fashion', 'beauty', 'food', 'home', 'digital', 'hobby')),
    ADD CONSTRAINT product_products_known_hidden CHECK (hidden IN (0, 1)),
    ADD CONSTRAINT product_products_known_deleted CHECK (deleted IN (0, 1));

-- +goose Down
ALTER TABLE product_products
    DROP CONSTRAINT product_products_known_category,
    DROP CONSTRAINT product_products_known_hidden,
    DROP CONSTRAINT product_products_known_deleted;
