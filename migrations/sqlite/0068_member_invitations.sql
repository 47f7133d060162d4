-- +goose Up
-- Whom a shop has invited to its staff; the columns are explained in the file of the same name for MySQL.
CREATE TABLE member_invitations (
    id         BLOB     NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    shop_id    BLOB     NOT NULL CHECK (typeof(shop_id) = 'blob' AND length(shop_id) = 16),
    email      TEXT     NOT NULL CHECK (typeof(email) = 'text' AND length(email) <= 254 AND email = lower(email)),
    role       TEXT     NOT NULL CHECK (role IN ('owner', 'manager', 'agent')),
    invited_by BLOB     NOT NULL CHECK (typeof(invited_by) = 'blob' AND length(invited_by) = 16),
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX member_invitations_shop ON member_invitations (shop_id, email);
CREATE INDEX member_invitations_email ON member_invitations (email);
CREATE INDEX member_invitations_expires ON member_invitations (expires_at);

-- +goose Down
DROP TABLE member_invitations;
