-- +goose Up
-- What a member recognises a login of theirs by: where it was opened, with what, when it was used last (to within 10
-- minutes; NULL: not since it was opened).
ALTER TABLE member_sessions
    ADD COLUMN ip         VARCHAR(45)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    ADD COLUMN user_agent VARCHAR(200) NOT NULL DEFAULT '',
    ADD COLUMN used_at    DATETIME(6)  NULL;

-- +goose Down
ALTER TABLE member_sessions DROP COLUMN ip, DROP COLUMN user_agent, DROP COLUMN used_at;
