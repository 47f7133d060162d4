-- +goose Up
-- Logins tried for an e-mail since window_start; the columns are explained in the file of the same name for MySQL.
CREATE TABLE member_login_attempts (
    email_hash   BLOB     NOT NULL PRIMARY KEY CHECK (typeof(email_hash) = 'blob' AND length(email_hash) = 32),
    window_start DATETIME NOT NULL,
    attempts     INTEGER  NOT NULL CHECK (typeof(attempts) = 'integer')
) WITHOUT ROWID;
CREATE INDEX member_login_attempts_window ON member_login_attempts (window_start);

-- +goose Down
DROP TABLE member_login_attempts;
