-- +goose Up
-- What all instances must agree on; the row 'epoch' names this life of the database.
CREATE TABLE chat_settings (
  name  TEXT NOT NULL CHECK (length(name) <= 32),
  value TEXT NOT NULL CHECK (length(value) <= 100),
  PRIMARY KEY (name)
);

-- +goose Down
DROP TABLE chat_settings;
