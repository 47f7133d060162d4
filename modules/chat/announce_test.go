package chat_test

import (
	"context"
	"encoding/json"
	"testing"

	"mall/modules/chat"
	"mall/modules/member"
	"mall/modules/platform/pubsub"
)

// memberChannel carries what instances must forget about members, as cmd/mall has it.
const memberChannel = "member"

type announcer struct{ bus *pubsub.Bus }

func (a *announcer) Announce(_ context.Context, n member.Notice) error {
	text, err := json.Marshal(n)
	a.bus.Publish(memberChannel, text)
	return err
}

func dispatch(t *testing.T, rooms *chat.Chat, members *member.Members) func(string, []byte) {
	return func(channel string, payload []byte) {
		if channel != memberChannel {
			rooms.Receive(channel, payload)
			return
		}
		var n member.Notice
		if err := json.Unmarshal(payload, &n); err != nil {
			t.Error(err)
			return
		}
		members.Heard(n)
	}
}
