-- +goose Up
-- A numbered subject inside a room. subject_id is the product's, the order's, or for a general inquiry the room's id.
CREATE TABLE IF NOT EXISTS chat_inquiries (
  id         BINARY(16)  NOT NULL,
  room_id    BINARY(16)  NOT NULL,
  number     INT         NOT NULL,
  subject    VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject_id BINARY(16)  NOT NULL,
  card       TEXT        NULL,
  state      VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  owner_id   BINARY(16)  NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY chat_inquiries_subject (room_id, subject, subject_id),
  UNIQUE KEY chat_inquiries_number (room_id, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_inquiries;
