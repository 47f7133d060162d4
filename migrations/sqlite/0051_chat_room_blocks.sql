-- +goose Up
-- See migrations/mysql. SQLite adds no check to a table that is there: triggers hold the words.
ALTER TABLE chat_rooms ADD COLUMN blocks INT NOT NULL DEFAULT 0 CHECK (typeof(blocks) = 'integer' AND blocks BETWEEN 0 AND 3);
-- +goose StatementBegin
CREATE TRIGGER chat_rooms_words BEFORE INSERT ON chat_rooms WHEN NEW.state NOT IN ('waiting', 'open', 'held', 'done')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_rooms_words'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_rooms_words_kept BEFORE UPDATE OF state ON chat_rooms WHEN NEW.state NOT IN ('waiting', 'open', 'held', 'done')
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: chat_rooms_words'); END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER chat_rooms_words_kept;
DROP TRIGGER chat_rooms_words;
ALTER TABLE chat_rooms DROP COLUMN blocks;
