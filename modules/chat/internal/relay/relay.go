// Package relay brings frames to the connections of a party: to those of this process directly, to those of
// other instances over Redis Pub/Sub.
package relay

import (
	"context"
	"encoding/binary"
	"strings"
	"sync/atomic"

	"mall/modules/chat/internal/hub"
	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
)

// Relay is safe for concurrent use.
type Relay struct {
	hub      *hub.Hub
	bus      *pubsub.Bus
	instance id.ID

	heard   func(payload []byte)            // what instances say to one another
	receipt func(p hub.Party, frame []byte) // a receipt of another instance, which the party has been told here

	refused atomic.Int64
}

// New makes a relay on a bus that does not run yet. The bus seals what it carries, so that who can write to Redis still
// cannot put words into anybody's mouth, nor say them again. heard gets what other instances Tell, receipt the frames that
// came here by their Receipt; neither may block.
func New(bus *pubsub.Bus, heard func(payload []byte), receipt func(p hub.Party, frame []byte)) *Relay {
	r := &Relay{hub: hub.New(), bus: bus, instance: id.New(), heard: heard, receipt: receipt}
	bus.Handle(channels, r.receive)
	bus.Listen(channel(everyone))
	return r
}

// everyone is the party of all instances.
var everyone = hub.Party{Kind: 'i'}

// Tell says something to all other instances.
func (r *Relay) Tell(payload []byte) {
	r.publish(everyone, kindTell, id.Nil, 0, payload)
}

// Instance is this process' name.
func (r *Relay) Instance() id.ID { return r.instance }

// Hub is what this process has connected.
func (r *Relay) Hub() *hub.Hub { return r.hub }

// Refused counts news of another instance that makes no sense here.
func (r *Relay) Refused() int64 { return r.refused.Load() }

// channels is what the names of the parties' channels begin with.
const channels = "chat:"

// channel names a party's channel. A publish so reaches only the instances that hold one of its connections.
func channel(p hub.Party) string {
	var name [8 + 36]byte
	b := append(name[:0], channels...)
	b, _ = p.ID.AppendText(append(b, p.Kind, ':')) // always nil
	return string(b)
}

// publish says what other instances should hear; when none of them would, it need not be put into words.
func (r *Relay) publish(p hub.Party, kind byte, room id.ID, seq int64, frame []byte) {
	if ch := channel(p); !r.bus.Alone(ch) {
		r.bus.Publish(ch, pack(kind, room, seq, frame))
	}
}

// Join adds a connection to a party, as the hub does, and waits a short time until news of other instances reaches it.
// Redis being away is no reason to refuse anybody: the frames then come from the database.
func (r *Relay) Join(ctx context.Context, p hub.Party, c hub.Connection) (positioned <-chan struct{}, ask bool) {
	positioned, ask = r.hub.Join(p, c)
	_ = r.bus.Subscribe(ctx, channel(p))
	return positioned, ask
}

// Leave takes back a Join.
func (r *Relay) Leave(p hub.Party, c hub.Connection) {
	r.hub.Leave(p, c)
	r.bus.Unsubscribe(channel(p))
}

// Message brings a stored message to the parties' connections everywhere but to its sender's.
func (r *Relay) Message(parties []hub.Party, room id.ID, seq int64, frame []byte, sender hub.Connection) {
	for _, p := range parties {
		r.hub.Message(p, room, seq, frame, sender)
		r.publish(p, kindMessage, room, seq, frame)
	}
}

// Push brings a frame that has no number to the party's connections everywhere but to its origin.
func (r *Relay) Push(p hub.Party, frame []byte, origin hub.Connection) {
	r.hub.Push(p, frame, origin)
	r.publish(p, kindPush, id.Nil, 0, frame)
}

// Receipt is Push for the frame of a cursor that has moved.
func (r *Relay) Receipt(p hub.Party, frame []byte) {
	r.hub.Push(p, frame, nil)
	r.publish(p, kindReceipt, id.Nil, 0, frame)
}

// What travels: version, kind, room, seq, frame.
const (
	version     = 2
	kindMessage = 'm'
	kindPush    = 'p'
	kindReceipt = 'r'
	kindTell    = 't'
	headSize    = 2 + 16 + 8
)

func pack(kind byte, room id.ID, seq int64, frame []byte) []byte {
	b := append(make([]byte, 0, headSize+len(frame)), version, kind)
	b = append(b, room[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(seq)) //nolint:gosec // a seq is never negative
	return append(b, frame...)
}

// receive takes news from the bus. It does not block.
func (r *Relay) receive(ch string, payload []byte) {
	p, ok := party(ch)
	if !ok || len(payload) < headSize || payload[0] != version {
		r.refused.Add(1)
		return
	}
	head, frame := payload[:headSize], payload[headSize:]
	switch head[1] {
	case kindMessage:
		seq := int64(binary.BigEndian.Uint64(head[18:])) //nolint:gosec // packed from an int64
		r.hub.Message(p, id.ID(head[2:18]), seq, frame, nil)
	case kindPush:
		r.hub.Push(p, frame, nil)
	case kindReceipt:
		r.hub.Push(p, frame, nil)
		r.receipt(p, frame)
	case kindTell:
		r.heard(frame)
	default:
		r.refused.Add(1)
	}
}

// party is what a channel's name says.
func party(ch string) (hub.Party, bool) {
	rest, ok := strings.CutPrefix(ch, channels)
	if !ok || len(rest) != len("b:")+36 || rest[1] != ':' {
		return hub.Party{}, false
	}
	x, err := id.Parse(rest[2:])
	return hub.Party{Kind: rest[0], ID: x}, err == nil
}
