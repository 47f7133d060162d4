-- +goose Up
-- What all instances must agree on; the row 'epoch' names this life of the database.
CREATE TABLE IF NOT EXISTS chat_settings (
  name  VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value VARCHAR(100) NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_settings;
