-- +goose Up
CREATE TABLE product_grams (
    gram       VARCHAR(2) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'one or two neighbouring characters of search_name',
    product_id BINARY(16) NOT NULL,
    PRIMARY KEY (gram, product_id),
    KEY product_grams_product (product_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE product_grams;
