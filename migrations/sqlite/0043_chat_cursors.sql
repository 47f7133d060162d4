-- +goose Up
-- What each party of a room has received and read: the two rows are made with the room and only ever grow.
CREATE TABLE chat_cursors (
  room_id       BLOB     NOT NULL CHECK (length(room_id) = 16),
  party         TEXT     NOT NULL CHECK (length(party) <= 6),
  delivered_seq BIGINT   NOT NULL CHECK (typeof(delivered_seq) = 'integer'),
  read_seq      BIGINT   NOT NULL CHECK (typeof(read_seq) = 'integer'),
  moved_at      DATETIME NOT NULL,
  PRIMARY KEY (room_id, party)
);

-- +goose Down
DROP TABLE chat_cursors;
