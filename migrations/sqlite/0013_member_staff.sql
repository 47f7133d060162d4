-- +goose Up
-- Who answers for which shop.
CREATE TABLE member_staff (
    shop_id    BLOB     NOT NULL CHECK (typeof(shop_id) = 'blob' AND length(shop_id) = 16),
    member_id  BLOB     NOT NULL CHECK (typeof(member_id) = 'blob' AND length(member_id) = 16),
    role       TEXT     NOT NULL CHECK (role IN ('owner', 'manager', 'agent')),
    created_at DATETIME NOT NULL,
    PRIMARY KEY (shop_id, member_id)
) WITHOUT ROWID;
CREATE INDEX member_staff_member ON member_staff (member_id, shop_id, role);

-- +goose Down
DROP TABLE member_staff;
