package pubsub

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

// lane carries news to one server. What waits while a round trip is under way is the next one.
type lane struct {
	bus   *Bus
	queue chan news

	mu    sync.Mutex
	calls []news        // announcements, and answers to those of others
	wake  chan struct{} // holds a token when there are such

	batch  []sent // of the last round trip: space for the next one's
	buffer []byte // for what it carries
}

type news struct {
	link    *link
	channel string
	payload []byte
	number  uint64 // of an announcement; 0: it is none
	kind    byte   // of a call
}

func newLane(b *Bus) *lane {
	return &lane{bus: b, queue: make(chan news, publishQueue), wake: make(chan struct{}, 1)}
}

// announce tells the others some time soon that this instance listens to the channel.
func (l *lane) announce(on *link, channel string, number uint64) {
	l.call(news{on, channel, call{l.bus.self, number}.text(), number, kindArrive})
}

// heard tells an instance that its announcement has been heard.
func (l *lane) heard(on *link, channel string, c call) {
	l.call(news{link: on, channel: channel, payload: c.text(), kind: kindHeard})
}

// greet lets the others ask who we are before they hear anything of us that matters.
func (l *lane) greet(on *link) { l.call(news{link: on, channel: hello, kind: kindHello}) }

// ask has an instance show that it lives.
func (l *lane) ask(on *link, instance, words id.ID) {
	l.call(news{link: on, channel: probeOf(instance), payload: words[:], kind: kindAsk})
}

// answer shows it that we do.
func (l *lane) answer(on *link, instance, words id.ID, floor uint64) {
	l.call(news{link: on, channel: probeOf(instance), payload: call{words, floor}.text(), kind: kindAnswer})
}

// call sends something that, unlike news, is never dropped, and drops none: there are as many as channels.
func (l *lane) call(n news) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, n)
	signal(l.wake)
}

func (l *lane) takeCalls(limit int) []news {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(limit, len(l.calls))
	some := l.calls[:n:n]
	if l.calls = l.calls[n:]; len(l.calls) > 0 {
		signal(l.wake)
	}
	return some
}

// run empties the lane until ctx ends, and then what waits.
func (l *lane) run(ctx context.Context) {
	unhurried := context.WithoutCancel(ctx) // the client's own timeouts bound each round trip
	for {
		select {
		case <-ctx.Done():
			l.flush(unhurried)
			return
		case <-l.wake:
			_ = l.carry(unhurried) // counted
		case n := <-l.queue:
			_ = l.carry(unhurried, n)
		}
	}
}

// flush sends what waits, so that the last words of an instance that goes away are heard; unless Redis is away.
func (l *lane) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushMax)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case n := <-l.queue:
			if l.carry(ctx, n) != nil {
				return
			}
		default:
			return
		}
	}
}

// carry sends calls that wait, then the first news, then what else waits.
func (l *lane) carry(ctx context.Context, first ...news) error {
	pipe := l.bus.client.Pipeline()
	clear(l.batch)
	l.batch, l.buffer = l.batch[:0], l.buffer[:0]
	for _, n := range l.takeCalls(publishBatch) {
		l.add(ctx, pipe, n, n.kind, l.bus.callCount(n.kind))
	}
	for _, n := range first {
		l.add(ctx, pipe, n, kindNews, &l.bus.published)
	}
	for len(l.batch) < publishBatch {
		select {
		case n := <-l.queue:
			l.add(ctx, pipe, n, kindNews, &l.bus.published)
			continue
		default:
		}
		break
	}
	_, err := pipe.Exec(ctx)
	l.learn()
	if err != nil {
		l.bus.network.failed(ctx)
	}
	if cap(l.buffer) > maxBuffer {
		l.buffer = nil
	}
	return err
}

// maxBuffer is what a lane keeps for what it carries next.
const maxBuffer = 1 << 20

// callCount is where calls of a kind are counted.
func (b *Bus) callCount(kind byte) *atomic.Int64 {
	switch kind {
	case kindArrive:
		return &b.announced
	case kindHeard:
		return &b.answered
	default:
		return &b.proofs
	}
}

// sent is one publish, and what was known of its channel before Redis answered.
type sent struct {
	news        news
	answer      *redis.IntCmd
	subscribers *subscribers
	heard       uint64
	asked       time.Time
	count       *atomic.Int64 // of those that Redis has taken
}

func (l *lane) add(ctx context.Context, pipe redis.Pipeliner, n news, kind byte, count *atomic.Int64) {
	c := n.link.subscribed.find(n.channel)
	heard, asked := c.heard(), time.Now()
	full, from := n.link.subscribed.full(c, n.channel), len(l.buffer)
	l.buffer = n.link.sealer.seal(l.buffer, full, kind, n.payload)
	answer := l.bus.network.publish(ctx, pipe, full, l.buffer[from:])
	n.payload = nil // what was said is not kept with the space for the next ones
	l.batch = append(l.batch, sent{n, answer, c, heard, asked, count})
}

// learn counts, and sees from the answers who else listens: where we do, the only receiver is ourselves.
func (l *lane) learn() {
	for _, s := range l.batch {
		receivers, err := s.answer.Result()
		if err != nil {
			l.bus.failed.Add(1)
		} else {
			s.count.Add(1)
		}
		s.subscribers.settle(s.heard, s.asked, err == nil && receivers == 1)
		if s.news.number != 0 {
			s.news.link.subscriptions.announced(s.news.channel, s.news.number, int(receivers)-1, err)
		}
	}
}
