-- +goose Up
-- See migrations/mysql: cursors that have moved lately are found by the room's sides.
ALTER TABLE chat_cursors ADD COLUMN buyer_id BLOB NULL CHECK (length(buyer_id) = 16);
ALTER TABLE chat_cursors ADD COLUMN shop_id BLOB NULL CHECK (length(shop_id) = 16);
CREATE INDEX chat_cursors_buyer_moved ON chat_cursors (buyer_id, moved_at);
CREATE INDEX chat_cursors_shop_moved ON chat_cursors (shop_id, moved_at);

-- +goose Down
DROP INDEX chat_cursors_buyer_moved;
DROP INDEX chat_cursors_shop_moved;
ALTER TABLE chat_cursors DROP COLUMN buyer_id;
ALTER TABLE chat_cursors DROP COLUMN shop_id;
