package pubsub

import (
	"bytes"
	"unsafe"

	"mall/modules/platform/id"
)

// What travels is the payload as it is, unless it begins with own: behind that byte the bus says what follows.
const (
	own       = 0
	ownNews   = 'n' // a payload that begins with that byte itself
	ownArrive = 'a' // an announcement: the instance that now listens to the channel too
)

func announcement(instance id.ID) []byte {
	return append([]byte{own, ownArrive}, instance[:]...)
}

// wrap gives what travels for a payload; of nearly all that is the payload itself.
func wrap(payload []byte) []byte {
	if len(payload) == 0 || payload[0] != own {
		return payload
	}
	return append([]byte{own, ownNews}, payload...)
}

// unwrap undoes wrap; news is false for what buses say to each other, which is then said.
func unwrap(text []byte) (payload []byte, news bool) {
	switch {
	case len(text) == 0 || text[0] != own:
		return text, true
	case len(text) > 1 && text[1] == ownNews:
		return text[2:], true
	default:
		return text, false
	}
}

// announcedBy says whose announcement the text is, if it is one of another instance than self.
func announcedByOther(text []byte, self id.ID) bool {
	rest, ok := bytes.CutPrefix(text, []byte{own, ownArrive})
	return ok && !bytes.Equal(rest, self[:])
}

// bytesOf is s without a copy. Nobody may write to it: handlers are told so.
func bytesOf(s string) []byte {
	return unsafe.Slice(unsafe.StringData(s), len(s)) //nolint:gosec // G103: read only, and each message is a string of its own
}
