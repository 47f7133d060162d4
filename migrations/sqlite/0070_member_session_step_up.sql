-- +goose Up
-- When the member last proved who they are in this session.
ALTER TABLE member_sessions ADD COLUMN stepped_up_at DATETIME NULL;

-- +goose Down
ALTER TABLE member_sessions DROP COLUMN stepped_up_at;
