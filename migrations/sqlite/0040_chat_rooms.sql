-- +goose Up
-- A room is the lasting 1:1 talk of one buyer and one shop. head and the two counts belong to the last message:
-- they are only ever written in the transaction that stores it. state, inquiry_id and waiting_since are those of
-- the inquiry that was talked about last.
CREATE TABLE chat_rooms (
  id            BLOB     NOT NULL CHECK (length(id) = 16),
  buyer_id      BLOB     NOT NULL CHECK (length(buyer_id) = 16),
  shop_id       BLOB     NOT NULL CHECK (length(shop_id) = 16),
  head          BIGINT   NOT NULL CHECK (typeof(head) = 'integer'),
  buyer_count   BIGINT   NOT NULL CHECK (typeof(buyer_count) = 'integer'),
  shop_count    BIGINT   NOT NULL CHECK (typeof(shop_count) = 'integer'),
  inquiry_id    BLOB     NOT NULL CHECK (length(inquiry_id) = 16),
  state         TEXT     NOT NULL CHECK (length(state) <= 8),
  waiting_since DATETIME NULL,
  created_at    DATETIME NOT NULL,
  updated_at    DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX chat_rooms_parties ON chat_rooms (buyer_id, shop_id);
CREATE INDEX chat_rooms_buyer_recent ON chat_rooms (buyer_id, updated_at, id);
CREATE INDEX chat_rooms_shop_recent ON chat_rooms (shop_id, updated_at, id);
CREATE INDEX chat_rooms_shop_state ON chat_rooms (shop_id, state, updated_at, id);
CREATE INDEX chat_rooms_shop_waiting ON chat_rooms (shop_id, state, waiting_since, id);

-- +goose Down
DROP TABLE chat_rooms;
