-- +goose Up
-- Each look of an operator into a talk, with the reason given.
CREATE TABLE chat_accesses (
  id          BLOB     NOT NULL CHECK (length(id) = 16),
  operator_id BLOB     NOT NULL CHECK (length(operator_id) = 16),
  room_id     BLOB     NOT NULL CHECK (length(room_id) = 16),
  reason      TEXT     NOT NULL CHECK (length(reason) <= 300),
  at          DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX chat_accesses_room ON chat_accesses (room_id, at);

-- +goose Down
DROP TABLE chat_accesses;
