-- +goose Up
-- Members who have left; the columns are explained in the file of the same name for MySQL.
CREATE TABLE records_erasures (
    member_id    BLOB     NOT NULL PRIMARY KEY CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    email        TEXT     NULL CHECK (email IS NULL OR typeof(email) = 'text' AND length(email) <= 254),
    name         TEXT     NULL CHECK (name IS NULL OR typeof(name) = 'text' AND length(name) <= 40),
    erased_at    DATETIME NOT NULL,
    orders_until DATETIME NULL,
    talks_until  DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX records_erasures_until ON records_erasures (orders_until, talks_until);

-- +goose Down
DROP TABLE records_erasures;
