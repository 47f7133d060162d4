-- +goose Up
-- A room is the lasting 1:1 talk of one buyer and one shop. head and the two counts belong to the last message:
-- they are only ever written in the transaction that stores it. state, inquiry_id and waiting_since are those of
-- the inquiry that was talked about last.
CREATE TABLE IF NOT EXISTS chat_rooms (
  id            BINARY(16)  NOT NULL,
  buyer_id      BINARY(16)  NOT NULL,
  shop_id       BINARY(16)  NOT NULL,
  head          BIGINT      NOT NULL,
  buyer_count   BIGINT      NOT NULL,
  shop_count    BIGINT      NOT NULL,
  inquiry_id    BINARY(16)  NOT NULL,
  state         VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  waiting_since DATETIME(6) NULL,
  created_at    DATETIME(6) NOT NULL,
  updated_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY chat_rooms_parties (buyer_id, shop_id),
  KEY chat_rooms_buyer_recent (buyer_id, updated_at, id),
  KEY chat_rooms_shop_recent (shop_id, updated_at, id),
  KEY chat_rooms_shop_state (shop_id, state, updated_at, id),
  KEY chat_rooms_shop_waiting (shop_id, state, waiting_since, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_rooms;
