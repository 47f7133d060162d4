-- +goose Up
UPDATE chat_rooms r SET r.inquiries = (SELECT COUNT(*) FROM chat_inquiries q WHERE q.room_id = r.id);

-- +goose Down
-- The current inquiry's state was kept on the room meanwhile.
UPDATE chat_inquiries q JOIN chat_rooms r ON r.inquiry_id = q.id SET q.state = r.state;
