-- +goose Up
-- Who of a party has received and read up to where, and when: for the answer to "where is my message?".
-- One row for each member and room, however many messages.
CREATE TABLE chat_member_cursors (
  room_id       BLOB     NOT NULL CHECK (length(room_id) = 16),
  member_id     BLOB     NOT NULL CHECK (length(member_id) = 16),
  party         TEXT     NOT NULL CHECK (length(party) <= 6),
  delivered_seq BIGINT   NOT NULL CHECK (typeof(delivered_seq) = 'integer'),
  read_seq      BIGINT   NOT NULL CHECK (typeof(read_seq) = 'integer'),
  delivered_at  DATETIME NOT NULL,
  read_at       DATETIME NOT NULL,
  PRIMARY KEY (room_id, member_id)
);

-- +goose Down
DROP TABLE chat_member_cursors;
