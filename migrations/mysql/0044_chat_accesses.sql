-- +goose Up
-- Each look of an operator into a talk, with the reason given.
CREATE TABLE IF NOT EXISTS chat_accesses (
  id          BINARY(16)   NOT NULL,
  operator_id BINARY(16)   NOT NULL,
  room_id     BINARY(16)   NOT NULL,
  reason      VARCHAR(300) NOT NULL,
  at          DATETIME(6)  NOT NULL,
  PRIMARY KEY (id),
  KEY chat_accesses_room (room_id, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_accesses;
