-- +goose Up
-- How often something was done since window_start; the columns are explained in the file of the same name for MySQL.
CREATE TABLE member_quotas (
    key_hash     BLOB     NOT NULL PRIMARY KEY CHECK (typeof(key_hash) = 'blob' AND length(key_hash) = 32),
    window_start DATETIME NOT NULL,
    used         INTEGER  NOT NULL CHECK (typeof(used) = 'integer')
) WITHOUT ROWID;
CREATE INDEX member_quotas_window ON member_quotas (window_start);

-- +goose Down
DROP TABLE member_quotas;
