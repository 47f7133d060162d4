-- +goose Up
UPDATE chat_cursors c JOIN chat_rooms r ON r.id = c.room_id SET c.buyer_id = r.buyer_id, c.shop_id = r.shop_id;

-- +goose Down
SELECT 1;
