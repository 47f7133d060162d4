-- +goose Up
-- Who has an account. The CHECKs refuse what MySQL's types refuse by themselves.
CREATE TABLE member_members (
    id            BLOB     NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    email         TEXT     NOT NULL CHECK (typeof(email) = 'text' AND length(email) <= 254 AND email = lower(email)),
    name          TEXT     NOT NULL CHECK (typeof(name) = 'text' AND length(name) <= 40),
    password_hash TEXT     NOT NULL CHECK (typeof(password_hash) = 'text' AND length(password_hash) <= 200),
    operator      INTEGER  NOT NULL DEFAULT 0 CHECK (operator IN (0, 1)),
    banned_at     DATETIME NULL,
    created_at    DATETIME NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX member_members_email ON member_members (email);

-- +goose Down
DROP TABLE member_members;
