-- +goose Up
-- See migrations/mysql. SQLite adds no check to a table that is there: triggers hold the words.
-- +goose StatementBegin
CREATE TRIGGER chat_messages_words BEFORE INSERT ON chat_messages WHEN NEW.party NOT IN ('buyer', 'shop', 'system') OR NEW.kind NOT IN ('text', 'card', 'notice')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_messages_words'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_messages_words_kept BEFORE UPDATE OF party, kind ON chat_messages WHEN NEW.party NOT IN ('buyer', 'shop', 'system') OR NEW.kind NOT IN ('text', 'card', 'notice')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_messages_words'); END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER chat_messages_words_kept;
DROP TRIGGER chat_messages_words;
