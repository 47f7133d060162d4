-- +goose Up
-- Logins tried for an e-mail since window_start, whether or not an account has it. The e-mail is kept as
-- SHA-256: what strangers type here is nobody's business. Named queries: by e-mail (primary key), old windows (sweep).
CREATE TABLE member_login_attempts (
    email_hash   BINARY(32)  NOT NULL,
    window_start DATETIME(6) NOT NULL,
    attempts     INT         NOT NULL,
    PRIMARY KEY (email_hash),
    KEY member_login_attempts_window (window_start)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE member_login_attempts;
