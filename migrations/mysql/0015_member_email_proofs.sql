-- +goose Up
-- When the member has opened a link that was mailed to their address; NULL: nobody knows whose address it is.
ALTER TABLE member_members ADD COLUMN email_proved_at DATETIME(6) NULL;

-- +goose Down
ALTER TABLE member_members DROP COLUMN email_proved_at;
