-- +goose Up
-- What the program never writes, the database refuses.
ALTER TABLE member_sessions ADD CONSTRAINT member_sessions_kind CHECK (kind IN ('web', 'api'));

-- +goose Down
ALTER TABLE member_sessions DROP CONSTRAINT member_sessions_kind;
