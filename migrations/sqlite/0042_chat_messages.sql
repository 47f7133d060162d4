-- +goose Up
-- Messages lie in the order in which they are read: a page of history is one range of the primary key.
-- buyer_count and shop_count say how many messages of each party the room has up to and with this one, so unread
-- is a difference of two rows and cannot drift.
CREATE TABLE chat_messages (
  room_id       BLOB     NOT NULL CHECK (length(room_id) = 16),
  seq           BIGINT   NOT NULL CHECK (typeof(seq) = 'integer'),
  inquiry_id    BLOB     NOT NULL CHECK (length(inquiry_id) = 16),
  party         TEXT     NOT NULL CHECK (length(party) <= 6),
  sender_id     BLOB     NOT NULL CHECK (length(sender_id) = 16),
  sender_name   TEXT     NOT NULL CHECK (length(sender_name) <= 60),
  kind          TEXT     NOT NULL CHECK (length(kind) <= 6),
  body          TEXT     NOT NULL CHECK (length(body) <= 2000),
  card          TEXT     NULL,
  client_msg_id BLOB     NOT NULL CHECK (length(client_msg_id) = 16),
  buyer_count   BIGINT   NOT NULL CHECK (typeof(buyer_count) = 'integer'),
  shop_count    BIGINT   NOT NULL CHECK (typeof(shop_count) = 'integer'),
  created_at    DATETIME NOT NULL,
  PRIMARY KEY (room_id, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX chat_messages_retry ON chat_messages (room_id, sender_id, client_msg_id);

-- +goose Down
DROP TABLE chat_messages;
