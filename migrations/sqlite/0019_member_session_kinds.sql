-- +goose Up
-- The table has the same CHECK since it was made.
SELECT 1;

-- +goose Down
SELECT 1;
