-- +goose Up
-- Who of a party has received and read up to where, and when: for the answer to "where is my message?".
-- One row for each member and room, however many messages.
CREATE TABLE IF NOT EXISTS chat_member_cursors (
  room_id       BINARY(16)  NOT NULL,
  member_id     BINARY(16)  NOT NULL,
  party         VARCHAR(6)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  delivered_seq BIGINT      NOT NULL,
  read_seq      BIGINT      NOT NULL,
  delivered_at  DATETIME(6) NOT NULL,
  read_at       DATETIME(6) NOT NULL,
  PRIMARY KEY (room_id, member_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_member_cursors;
