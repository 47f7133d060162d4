-- +goose Up
CREATE TABLE platform_outbox (
    id         BLOB     NOT NULL CHECK (typeof(id) = 'blob' AND length(id) = 16),
    topic      TEXT     NOT NULL CHECK (length(topic) BETWEEN 1 AND 64),
    payload    TEXT     NOT NULL CHECK (typeof(payload) = 'text'),
    created_at DATETIME NOT NULL CHECK (typeof(created_at) = 'integer'),
    due_at     DATETIME NOT NULL CHECK (typeof(due_at) = 'integer'),
    attempts   INTEGER  NOT NULL CHECK (typeof(attempts) = 'integer'),
    PRIMARY KEY (id)
) WITHOUT ROWID;
CREATE INDEX platform_outbox_due ON platform_outbox (topic, due_at, id);

-- +goose Down
DROP TABLE platform_outbox;
