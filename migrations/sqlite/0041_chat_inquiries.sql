-- +goose Up
-- A numbered subject inside a room. subject_id is the product's, the order's, or for a general inquiry the room's id.
CREATE TABLE chat_inquiries (
  id         BLOB     NOT NULL CHECK (length(id) = 16),
  room_id    BLOB     NOT NULL CHECK (length(room_id) = 16),
  number     INT      NOT NULL CHECK (typeof(number) = 'integer'),
  subject    TEXT     NOT NULL CHECK (length(subject) <= 8),
  subject_id BLOB     NOT NULL CHECK (length(subject_id) = 16),
  card       TEXT     NULL,
  state      TEXT     NOT NULL CHECK (length(state) <= 8),
  owner_id   BLOB     NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX chat_inquiries_subject ON chat_inquiries (room_id, subject, subject_id);
CREATE UNIQUE INDEX chat_inquiries_number ON chat_inquiries (room_id, number);

-- +goose Down
DROP TABLE chat_inquiries;
