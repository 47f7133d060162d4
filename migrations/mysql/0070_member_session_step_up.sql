-- +goose Up
-- When the member last proved who they are in this session; NULL: before the column was there, so not lately.
ALTER TABLE member_sessions ADD COLUMN stepped_up_at DATETIME(6) NULL;

-- +goose Down
ALTER TABLE member_sessions DROP COLUMN stepped_up_at;
