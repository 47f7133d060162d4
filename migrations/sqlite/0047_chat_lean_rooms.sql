-- +goose Up
-- See migrations/mysql: two indexes that change with each message instead of four, and how many inquiries a room has.
ALTER TABLE chat_rooms ADD COLUMN inquiries INT NOT NULL DEFAULT 1 CHECK (typeof(inquiries) = 'integer');
DROP INDEX chat_rooms_buyer_recent;
DROP INDEX chat_rooms_shop_state;
DROP INDEX chat_rooms_shop_recent;
DROP INDEX chat_rooms_shop_waiting;
CREATE INDEX chat_rooms_shop_recent ON chat_rooms (shop_id, updated_at, id, state, head);
CREATE INDEX chat_rooms_shop_waiting ON chat_rooms (shop_id, waiting_since, id, state);

-- +goose Down
DROP INDEX chat_rooms_shop_recent;
DROP INDEX chat_rooms_shop_waiting;
ALTER TABLE chat_rooms DROP COLUMN inquiries;
CREATE INDEX chat_rooms_buyer_recent ON chat_rooms (buyer_id, updated_at, id);
CREATE INDEX chat_rooms_shop_recent ON chat_rooms (shop_id, updated_at, id);
CREATE INDEX chat_rooms_shop_state ON chat_rooms (shop_id, state, updated_at, id);
CREATE INDEX chat_rooms_shop_waiting ON chat_rooms (shop_id, state, waiting_since, id);
