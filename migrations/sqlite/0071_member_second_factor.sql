-- +goose Up
-- Whether a member has an authenticator app or a passkey: every login and every principal asks it.
ALTER TABLE member_members ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0 CHECK (second_factor IN (0, 1));

-- +goose Down
ALTER TABLE member_members DROP COLUMN second_factor;
