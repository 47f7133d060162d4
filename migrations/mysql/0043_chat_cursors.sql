-- +goose Up
-- What each party of a room has received and read: the two rows are made with the room and only ever grow.
CREATE TABLE IF NOT EXISTS chat_cursors (
  room_id       BINARY(16)  NOT NULL,
  party         VARCHAR(6)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  delivered_seq BIGINT      NOT NULL,
  read_seq      BIGINT      NOT NULL,
  moved_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (room_id, party)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_cursors;
