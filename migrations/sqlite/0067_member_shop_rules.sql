-- +goose Up
-- What the owners of a shop let its agents do beyond talking.
ALTER TABLE member_shops ADD COLUMN agents_edit_products INTEGER NOT NULL DEFAULT 0 CHECK (agents_edit_products IN (0, 1));

-- +goose Down
ALTER TABLE member_shops DROP COLUMN agents_edit_products;
