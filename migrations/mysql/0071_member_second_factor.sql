-- +goose Up
-- Whether a member has an authenticator app or a passkey: every login and every principal asks it.
ALTER TABLE member_members
    ADD COLUMN second_factor TINYINT(1) NOT NULL DEFAULT 0,
    ADD CONSTRAINT member_members_second_factor CHECK (second_factor IN (0, 1));

-- +goose Down
ALTER TABLE member_members
    DROP CONSTRAINT member_members_second_factor,
    DROP COLUMN second_factor;
