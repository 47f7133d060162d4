-- +goose Up
-- The sellers.
CREATE TABLE member_shops (
    id         BLOB     NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    name       TEXT     NOT NULL CHECK (typeof(name) = 'text' AND length(name) <= 60),
    created_at DATETIME NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE member_shops;
