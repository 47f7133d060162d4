-- +goose Up
-- Who has blocked a room for their party, and since when: at most one row for each party of a room.
CREATE TABLE IF NOT EXISTS chat_blocks (
  room_id    BINARY(16)  NOT NULL,
  party      VARCHAR(6)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  member_id  BINARY(16)  NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (room_id, party),
  CONSTRAINT chat_blocks_words CHECK (party IN ('buyer', 'shop'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_blocks;
