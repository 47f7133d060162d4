-- +goose Up
-- Links that were mailed; explained in the file of the same name for MySQL.
CREATE TABLE member_links (
    id         BLOB     NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    kind       TEXT     NOT NULL CHECK (kind IN ('proof', 'reset')),
    member_id  BLOB     NOT NULL CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    used_at    DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX member_links_member ON member_links (member_id, kind);
CREATE INDEX member_links_expires ON member_links (expires_at);

-- +goose Down
DROP TABLE member_links;
