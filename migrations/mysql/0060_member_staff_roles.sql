-- +goose Up
-- What the program never writes, the database refuses.
ALTER TABLE member_staff ADD CONSTRAINT member_staff_role CHECK (role IN ('owner', 'manager', 'agent'));

-- +goose Down
ALTER TABLE member_staff DROP CONSTRAINT member_staff_role;
