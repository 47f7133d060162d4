-- +goose Up
-- Only the mall's own words stand here, whoever has been persuaded to write another.
ALTER TABLE chat_member_cursors ADD CONSTRAINT chat_member_cursors_words CHECK (party IN ('buyer', 'shop'));

-- +goose Down
ALTER TABLE chat_member_cursors DROP CONSTRAINT chat_member_cursors_words;
