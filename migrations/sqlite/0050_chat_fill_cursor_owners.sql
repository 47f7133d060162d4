-- +goose Up
UPDATE chat_cursors SET buyer_id = (SELECT r.buyer_id FROM chat_rooms r WHERE r.id = chat_cursors.room_id),
  shop_id = (SELECT r.shop_id FROM chat_rooms r WHERE r.id = chat_cursors.room_id);

-- +goose Down
SELECT 1;
