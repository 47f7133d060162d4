-- +goose Up
-- Each message changes its room's updated_at, each answer its state: an index on them is changed with every message
-- and costs more than storing it. Two are enough: a shop's rooms by their last change (a state is picked from the
-- index alone), and those that wait. A buyer has few rooms, which are sorted when they are read. inquiries is how
-- many a room has: with one, an answer has no other inquiry to look for.
ALTER TABLE chat_rooms
  ADD COLUMN inquiries INT NOT NULL DEFAULT 1 AFTER inquiry_id,
  DROP KEY chat_rooms_buyer_recent,
  DROP KEY chat_rooms_shop_state,
  DROP KEY chat_rooms_shop_recent,
  DROP KEY chat_rooms_shop_waiting,
  ADD KEY chat_rooms_shop_recent (shop_id, updated_at, id, state, head),
  ADD KEY chat_rooms_shop_waiting (shop_id, waiting_since, id, state);

-- +goose Down
ALTER TABLE chat_rooms
  DROP COLUMN inquiries,
  DROP KEY chat_rooms_shop_recent,
  DROP KEY chat_rooms_shop_waiting,
  ADD KEY chat_rooms_buyer_recent (buyer_id, updated_at, id),
  ADD KEY chat_rooms_shop_recent (shop_id, updated_at, id),
  ADD KEY chat_rooms_shop_state (shop_id, state, updated_at, id),
  ADD KEY chat_rooms_shop_waiting (shop_id, state, waiting_since, id);
