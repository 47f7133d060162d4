-- +goose Up
CREATE TABLE order_buyers (
    buyer_id BLOB NOT NULL CHECK (length(buyer_id) = 16),
    PRIMARY KEY (buyer_id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE order_buyers;
