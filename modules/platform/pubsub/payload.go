package pubsub

import (
	"encoding/binary"
	"unsafe"

	"mall/modules/platform/id"
)

// What a seal holds.
const (
	kindNews   = 'n'
	kindArrive = 'a' // the sender now listens to the channel too: the number of its call
	kindHeard  = 'k' // the answer to one: whose call it was, and its number
	kindHello  = 'h' // to all
	kindProbe  = 'p' // to oneself
	kindAsk    = 'q' // to a stranger, on its own channel: words of the moment
	kindAnswer = 'r' // to who has asked: the same words, and where the numbers begin that may be heard
)

// call is what an announcement and the answer to it are about.
type call struct {
	instance id.ID
	number   uint64
}

func (c call) text() []byte {
	b := append(make([]byte, 0, callSize), c.instance[:]...)
	return binary.BigEndian.AppendUint64(b, c.number)
}

const callSize = len(id.ID{}) + 8

// callOf reads a call; false for what is none, such as what a later version says.
func callOf(text []byte) (c call, ok bool) {
	if len(text) != callSize {
		return call{}, false
	}
	copy(c.instance[:], text)
	c.number = binary.BigEndian.Uint64(text[len(c.instance):])
	return c, true
}

// bytesOf is s without a copy. Nobody may write to it: handlers are told so.
func bytesOf(s string) []byte {
	return unsafe.Slice(unsafe.StringData(s), len(s)) //nolint:gosec // G103: read only, and each message is a string of its own
}
