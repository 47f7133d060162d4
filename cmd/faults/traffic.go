package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"mall/cmd/faults/internal/client"
	"mall/modules/platform/id"
)

// traffic is people writing: everybody in all of their rooms, at random.
type traffic struct {
	clients []*client.Client
	rnd     *rand.Rand
	every   time.Duration

	mu   sync.Mutex
	end  context.CancelFunc
	done chan struct{}
}

// How much is written: by a room's two parties together, and not by who has much unsent already. Now and then somebody has
// received or read what there is.
const (
	roomsEvery = 1500 * time.Millisecond
	unsentMost = 40
	markEvery  = 2
)

func newTraffic(clients []*client.Client, rnd *rand.Rand, rooms int) *traffic {
	return &traffic{clients: clients, rnd: rnd, every: roomsEvery / time.Duration(rooms)}
}

func (t *traffic) start(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end != nil {
		return
	}
	ctx, t.end = context.WithCancel(ctx)
	t.done = make(chan struct{})
	go t.run(ctx, t.done)
}

// stop ends the writing; what is in outboxes is still sent.
func (t *traffic) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end != nil {
		t.end()
		<-t.done
		t.end = nil
	}
}

func (t *traffic) run(ctx context.Context, done chan struct{}) {
	defer close(done)
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c := t.clients[t.rnd.IntN(len(t.clients))]
		rooms := c.Rooms()
		if len(rooms) == 0 {
			continue
		}
		if c.Unsent() < unsentMost {
			t.write(c, rooms[t.rnd.IntN(len(rooms))], n)
		}
		if n%markEvery == 0 {
			c.Mark(rooms[t.rnd.IntN(len(rooms))], t.rnd.IntN(3) > 0)
		}
	}
}

// texts are what people write; the mall must give back every code point.
var texts = []string{"재고 있나요?", "네, 고객님 😊", "when will it ship?", "한 줄\n두 줄", "👩‍👩‍👧‍👦 선물이에요", "é\tà", "\u200b ", "\"quoted\" <b>&amp;</b>"}

func (t *traffic) write(c *client.Client, room string, n int) {
	write(c, room, fmt.Sprintf("%d %s", n, texts[t.rnd.IntN(len(texts))]))
}

// write puts a message with a key of its own into the client's outbox, and gives the key.
func write(c *client.Client, room, body string) (key string) {
	key = id.New().String()
	c.Write(room, key, body)
	return key
}
