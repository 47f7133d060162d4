-- +goose Up
-- Messages lie in the order in which they are read: a page of history is one range of the primary key.
-- buyer_count and shop_count say how many messages of each party the room has up to and with this one, so unread
-- is a difference of two rows and cannot drift.
CREATE TABLE IF NOT EXISTS chat_messages (
  room_id       BINARY(16)    NOT NULL,
  seq           BIGINT        NOT NULL,
  inquiry_id    BINARY(16)    NOT NULL,
  party         VARCHAR(6)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sender_id     BINARY(16)    NOT NULL,
  sender_name   VARCHAR(60)   NOT NULL,
  kind          VARCHAR(6)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  body          VARCHAR(2000) NOT NULL,
  card          TEXT          NULL,
  client_msg_id BINARY(16)    NOT NULL,
  buyer_count   BIGINT        NOT NULL,
  shop_count    BIGINT        NOT NULL,
  created_at    DATETIME(6)   NOT NULL,
  PRIMARY KEY (room_id, seq),
  UNIQUE KEY chat_messages_retry (room_id, sender_id, client_msg_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_messages;
