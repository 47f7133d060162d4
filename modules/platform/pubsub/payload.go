package pubsub

import (
	"encoding/binary"
	"unsafe"

	"mall/modules/platform/id"
)

// What travels is the payload as it is, unless it begins with own: behind that byte the bus says what follows.
const (
	own       = 0
	ownNews   = 'n' // a payload that begins with that byte itself
	ownArrive = 'a' // an announcement: the instance that now listens to the channel too, and the number of its call
	ownHeard  = 'k' // the answer to one: its instance and number
)

// call is what an announcement and the answer to it are about.
type call struct {
	instance id.ID
	number   uint64
}

func (c call) text(kind byte) []byte {
	b := append(make([]byte, 0, 2+len(c.instance)+8), own, kind)
	return binary.BigEndian.AppendUint64(append(b, c.instance[:]...), c.number)
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

// callOf reads a call; kind is 0 for what is none, such as what a later version says.
func callOf(text []byte) (kind byte, c call) {
	if len(text) != 2+len(c.instance)+8 || text[0] != own {
		return 0, call{}
	}
	copy(c.instance[:], text[2:])
	c.number = binary.BigEndian.Uint64(text[2+len(c.instance):])
	return text[1], c
}

// bytesOf is s without a copy. Nobody may write to it: handlers are told so.
func bytesOf(s string) []byte {
	return unsafe.Slice(unsafe.StringData(s), len(s)) //nolint:gosec // G103: read only, and each message is a string of its own
}
