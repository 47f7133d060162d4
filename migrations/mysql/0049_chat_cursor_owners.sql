-- +goose Up
-- The room's sides beside each cursor, so that those that have moved lately can be found for the people who are
-- connected: a receipt that Redis has lost is told so.
ALTER TABLE chat_cursors
  ADD COLUMN buyer_id BINARY(16) NULL,
  ADD COLUMN shop_id BINARY(16) NULL,
  ADD KEY chat_cursors_buyer_moved (buyer_id, moved_at),
  ADD KEY chat_cursors_shop_moved (shop_id, moved_at);

-- +goose Down
ALTER TABLE chat_cursors
  DROP KEY chat_cursors_buyer_moved,
  DROP KEY chat_cursors_shop_moved,
  DROP COLUMN buyer_id,
  DROP COLUMN shop_id;
