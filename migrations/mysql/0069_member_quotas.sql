-- +goose Up
-- How often something was done since window_start: invitations of a shop, codes tried for a member. What is counted is
-- kept as SHA-256. Named queries: by key (primary key), old windows (sweep).
CREATE TABLE member_quotas (
    key_hash     BINARY(32)  NOT NULL,
    window_start DATETIME(6) NOT NULL,
    used         INT         NOT NULL,
    PRIMARY KEY (key_hash),
    KEY member_quotas_window (window_start)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_quotas;
