-- +goose Up
-- The links that were mailed and may still be good, each for one use. What is mailed is the id and a MAC under a key
-- that the database does not have: whoever reads this table, or the outbox, cannot make a link of it. Named queries: by id
-- (redeem), all of a member and kind (a newer one makes them worthless), what ended long ago (sweep).
CREATE TABLE member_links (
    id         BINARY(16)  NOT NULL,
    kind       VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    member_id  BINARY(16)  NOT NULL,
    created_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    used_at    DATETIME(6) NULL,
    PRIMARY KEY (id),
    KEY member_links_member (member_id, kind),
    KEY member_links_expires (expires_at),
    CONSTRAINT member_links_kind CHECK (kind IN ('proof', 'reset'))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_links;
