-- +goose Up
CREATE TABLE IF NOT EXISTS platform_outbox (
    id         BINARY(16)   NOT NULL,
    topic      VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payload    MEDIUMTEXT   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    due_at     DATETIME(6)  NOT NULL,
    attempts   INT          NOT NULL,
    PRIMARY KEY (id),
    KEY platform_outbox_due (topic, due_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE IF EXISTS platform_outbox;
