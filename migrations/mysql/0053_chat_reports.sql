-- +goose Up
-- What members have reported to the mall: who, whom (a member, or a shop), in which room, about which message (0: none).
-- client_id is the reporter's own id for the report, by which the same again is known. day counts the days since 1970 and
-- number the reporter's reports of that day from 1: the key holds their limit, however many are sent at once. Named
-- queries: by a reporter's id for it, a reporter's last one of a day, the latest for whoever looks into them.
CREATE TABLE IF NOT EXISTS chat_reports (
  id                 BINARY(16)   NOT NULL,
  reporter_id        BINARY(16)   NOT NULL,
  client_id          BINARY(16)   NOT NULL,
  party              VARCHAR(6)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  room_id            BINARY(16)   NOT NULL,
  reported_member_id BINARY(16)   NULL,
  reported_shop_id   BINARY(16)   NULL,
  seq                BIGINT       NOT NULL,
  reason             VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  text               VARCHAR(500) NOT NULL,
  day                INT          NOT NULL,
  number             INT          NOT NULL,
  created_at         DATETIME(6)  NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY chat_reports_client (reporter_id, client_id),
  UNIQUE KEY chat_reports_number (reporter_id, day, number),
  KEY chat_reports_recent (created_at, id),
  CONSTRAINT chat_reports_words CHECK (party IN ('buyer', 'shop')
    AND reason IN ('spam', 'abuse', 'fraud', 'privacy', 'illegal', 'other') AND seq >= 0 AND number >= 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS chat_reports;
