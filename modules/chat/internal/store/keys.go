package store

import "mall/modules/platform/db"

// Keys are those that the chat's promises stand on: without one nothing fails, and rows come twice.
func Keys() []db.Key {
	return []db.Key{
		{Table: "chat_messages", Columns: []string{"room_id", "seq"}, Loss: "two messages may get one number"},
		{Table: "chat_messages", Columns: []string{"room_id", "sender_id", "client_msg_id"}, Loss: "a message that is sent again may be stored twice"},
		{Table: "chat_rooms", Columns: []string{"id"}, Loss: "a room may come twice"},
		{Table: "chat_rooms", Columns: []string{"buyer_id", "shop_id"}, Loss: "a buyer and a shop may get two rooms"},
		{Table: "chat_inquiries", Columns: []string{"room_id", "subject", "subject_id"}, Loss: "a subject may get two inquiries"},
		{Table: "chat_inquiries", Columns: []string{"room_id", "number"}, Loss: "two inquiries of a room may get one number"},
		{Table: "chat_cursors", Columns: []string{"room_id", "party"}, Loss: "a party may have two cursors in a room, and two counts of what is unread"},
		{Table: "chat_member_cursors", Columns: []string{"room_id", "member_id"}, Loss: "a member may have two cursors in a room"},
	}
}
