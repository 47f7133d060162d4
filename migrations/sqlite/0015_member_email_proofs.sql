-- +goose Up
-- The column is explained in the file of the same name for MySQL.
ALTER TABLE member_members ADD COLUMN email_proved_at DATETIME NULL;

-- +goose Down
ALTER TABLE member_members DROP COLUMN email_proved_at;
