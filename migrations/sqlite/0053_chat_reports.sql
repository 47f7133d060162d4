-- +goose Up
-- See migrations/mysql: what members have reported to the mall.
CREATE TABLE chat_reports (
  id                 BLOB     NOT NULL CHECK (length(id) = 16),
  reporter_id        BLOB     NOT NULL CHECK (length(reporter_id) = 16),
  client_id          BLOB     NOT NULL CHECK (length(client_id) = 16),
  party              TEXT     NOT NULL CHECK (party IN ('buyer', 'shop')),
  room_id            BLOB     NOT NULL CHECK (length(room_id) = 16),
  reported_member_id BLOB     NULL CHECK (length(reported_member_id) = 16),
  reported_shop_id   BLOB     NULL CHECK (length(reported_shop_id) = 16),
  seq                BIGINT   NOT NULL CHECK (typeof(seq) = 'integer' AND seq >= 0),
  reason             TEXT     NOT NULL CHECK (reason IN ('spam', 'abuse', 'fraud', 'privacy', 'illegal', 'other')),
  text               TEXT     NOT NULL CHECK (length(text) <= 500),
  day                INT      NOT NULL CHECK (typeof(day) = 'integer'),
  number             INT      NOT NULL CHECK (typeof(number) = 'integer' AND number >= 1),
  created_at         DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX chat_reports_client ON chat_reports (reporter_id, client_id);
CREATE UNIQUE INDEX chat_reports_number ON chat_reports (reporter_id, day, number);
CREATE INDEX chat_reports_recent ON chat_reports (created_at, id);

-- +goose Down
DROP TABLE chat_reports;
