-- +goose Up
-- Who has blocked a room for their party, and since when: at most one row for each party of a room.
CREATE TABLE chat_blocks (
  room_id    BLOB     NOT NULL CHECK (length(room_id) = 16),
  party      TEXT     NOT NULL CHECK (party IN ('buyer', 'shop')),
  member_id  BLOB     NOT NULL CHECK (length(member_id) = 16),
  created_at DATETIME NOT NULL,
  PRIMARY KEY (room_id, party)
);

-- +goose Down
DROP TABLE chat_blocks;
