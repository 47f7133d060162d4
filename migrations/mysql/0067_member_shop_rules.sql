-- +goose Up
-- What the owners of a shop let its agents do beyond talking. Named query: by shop (primary key).
ALTER TABLE member_shops
    ADD COLUMN agents_edit_products TINYINT(1) NOT NULL DEFAULT 0,
    ADD CONSTRAINT member_shops_agents_edit CHECK (agents_edit_products IN (0, 1));

-- +goose Down
ALTER TABLE member_shops
    DROP CONSTRAINT member_shops_agents_edit,
    DROP COLUMN agents_edit_products;
