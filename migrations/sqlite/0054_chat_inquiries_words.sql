-- +goose Up
-- See migrations/mysql. SQLite adds no check to a table that is there: triggers hold the words.
-- +goose StatementBegin
CREATE TRIGGER chat_inquiries_words BEFORE INSERT ON chat_inquiries WHEN NEW.state NOT IN ('waiting', 'open', 'held', 'done') OR NEW.subject NOT IN ('product', 'order', 'general')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_inquiries_words'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_inquiries_words_kept BEFORE UPDATE OF state, subject ON chat_inquiries WHEN NEW.state NOT IN ('waiting', 'open', 'held', 'done') OR NEW.subject NOT IN ('product', 'order', 'general')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_inquiries_words'); END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER chat_inquiries_words_kept;
DROP TRIGGER chat_inquiries_words;
