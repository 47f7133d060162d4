-- +goose Up
-- See migrations/mysql. SQLite adds no check to a table that is there: triggers hold the words.
-- +goose StatementBegin
CREATE TRIGGER chat_cursors_words BEFORE INSERT ON chat_cursors WHEN NEW.party NOT IN ('buyer', 'shop')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_cursors_words'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_cursors_words_kept BEFORE UPDATE OF party ON chat_cursors WHEN NEW.party NOT IN ('buyer', 'shop')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_cursors_words'); END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER chat_cursors_words_kept;
DROP TRIGGER chat_cursors_words;
