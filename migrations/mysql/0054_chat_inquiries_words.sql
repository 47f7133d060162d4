-- +goose Up
-- Only the mall's own words stand here, whoever has been persuaded to write another.
ALTER TABLE chat_inquiries ADD CONSTRAINT chat_inquiries_words CHECK (state IN ('waiting', 'open', 'held', 'done') AND subject IN ('product', 'order', 'general'));

-- +goose Down
ALTER TABLE chat_inquiries DROP CONSTRAINT chat_inquiries_words;
