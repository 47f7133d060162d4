-- +goose Up
-- Who has blocked a room stands on the room itself, whose row each send locks: 1 its buyer, 2 its shop, 3 both. What the
-- mall writes there is one of its own words, whoever has been persuaded to write another.
ALTER TABLE chat_rooms
  ADD COLUMN blocks TINYINT NOT NULL DEFAULT 0,
  ADD CONSTRAINT chat_rooms_words CHECK (state IN ('waiting', 'open', 'held', 'done') AND blocks BETWEEN 0 AND 3);

-- +goose Down
ALTER TABLE chat_rooms
  DROP CONSTRAINT chat_rooms_words,
  DROP COLUMN blocks;
