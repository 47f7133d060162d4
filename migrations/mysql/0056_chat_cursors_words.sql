-- +goose Up
-- Only the mall's own words stand here, whoever has been persuaded to write another.
ALTER TABLE chat_cursors ADD CONSTRAINT chat_cursors_words CHECK (party IN ('buyer', 'shop'));

-- +goose Down
ALTER TABLE chat_cursors DROP CONSTRAINT chat_cursors_words;
