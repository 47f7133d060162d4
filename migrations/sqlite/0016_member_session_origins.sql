-- +goose Up
-- The columns are explained in the file of the same name for MySQL.
ALTER TABLE member_sessions ADD COLUMN ip TEXT NOT NULL DEFAULT '' CHECK (typeof(ip) = 'text' AND length(ip) <= 45);
ALTER TABLE member_sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '' CHECK (typeof(user_agent) = 'text' AND length(user_agent) <= 200);
ALTER TABLE member_sessions ADD COLUMN used_at DATETIME NULL;

-- +goose Down
ALTER TABLE member_sessions DROP COLUMN used_at;
ALTER TABLE member_sessions DROP COLUMN user_agent;
ALTER TABLE member_sessions DROP COLUMN ip;
