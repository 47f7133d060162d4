-- +goose Up
-- From where and with what a member has logged in before, as SHA-256: so that a login from elsewhere is told to them, and
-- strangers' wrong tries do not keep them out. Named queries: by member and place (primary key), not seen for long (sweep).
CREATE TABLE member_places (
    member_id BINARY(16)  NOT NULL,
    place     BINARY(32)  NOT NULL,
    seen_at   DATETIME(6) NOT NULL,
    PRIMARY KEY (member_id, place),
    KEY member_places_seen (seen_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_places;
