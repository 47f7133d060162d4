-- +goose Up
-- Only the mall's own words stand here, whoever has been persuaded to write another.
ALTER TABLE chat_messages ADD CONSTRAINT chat_messages_words CHECK (party IN ('buyer', 'shop', 'system') AND kind IN ('text', 'card', 'notice'));

-- +goose Down
ALTER TABLE chat_messages DROP CONSTRAINT chat_messages_words;
