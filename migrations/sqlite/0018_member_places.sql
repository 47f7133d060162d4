-- +goose Up
-- From where members have logged in; explained in the file of the same name for MySQL.
CREATE TABLE member_places (
    member_id BLOB     NOT NULL CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    place     BLOB     NOT NULL CHECK (typeof(place) = 'blob' AND length(place) = 32),
    seen_at   DATETIME NOT NULL,
    PRIMARY KEY (member_id, place)
) WITHOUT ROWID;
CREATE INDEX member_places_seen ON member_places (seen_at);

-- +goose Down
DROP TABLE member_places;
