-- +goose Up
UPDATE chat_rooms SET inquiries = (SELECT COUNT(*) FROM chat_inquiries q WHERE q.room_id = chat_rooms.id);

-- +goose Down
-- The current inquiry's state was kept on the room meanwhile.
UPDATE chat_inquiries SET state = (SELECT r.state FROM chat_rooms r WHERE r.inquiry_id = chat_inquiries.id)
WHERE EXISTS (SELECT 1 FROM chat_rooms r WHERE r.inquiry_id = chat_inquiries.id);
