-- +goose Up
CREATE TABLE product_grams (
    gram       TEXT NOT NULL CHECK (length(gram) BETWEEN 1 AND 2),
    product_id BLOB NOT NULL CHECK (length(product_id) = 16),
    PRIMARY KEY (gram, product_id)
) WITHOUT ROWID;
CREATE INDEX product_grams_product ON product_grams (product_id);

-- +goose Down
DROP TABLE product_grams;
