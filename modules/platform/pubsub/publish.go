package pubsub

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// publish empties the queue in pipelines: whatever waits while the last one is on its way is the next.
func (b *Bus) publish(ctx context.Context) {
	unhurried := context.WithoutCancel(ctx) // the client's own timeouts bound each round trip
	for {
		select {
		case <-ctx.Done():
			b.flush(unhurried)
			return
		case <-b.wishes.announce:
			_ = b.publishBatch(unhurried) // counted
		case n := <-b.queue:
			_ = b.publishBatch(unhurried, n)
		}
	}
}

// flush sends what waits, so that the last words of an instance that goes away are heard; unless Redis is away.
func (b *Bus) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushMax)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case n := <-b.queue:
			if b.publishBatch(ctx, n) != nil {
				return
			}
		default:
			return
		}
	}
}

// publishBatch sends announcements that wait, then the first news, then what else waits.
func (b *Bus) publishBatch(ctx context.Context, first ...news) error {
	batch := batch{bus: b, pipe: b.client.Pipeline(), sent: b.sent[:0]}
	defer func() { b.sent = batch.sent }()
	for _, channel := range b.wishes.takeArrived(publishBatch) {
		batch.add(ctx, channel, b.hello, &b.announced)
	}
	for _, n := range first {
		batch.add(ctx, n.channel, wrap(n.payload), &b.published)
	}
	for len(batch.sent) < publishBatch {
		select {
		case n := <-b.queue:
			batch.add(ctx, n.channel, wrap(n.payload), &b.published)
		default:
			return batch.exec(ctx)
		}
	}
	return batch.exec(ctx)
}

// batch is the news of one round trip.
type batch struct {
	bus  *Bus
	pipe redis.Pipeliner
	sent []sent
}

// sent is what was known of a channel when its news left.
type sent struct {
	answer *redis.IntCmd
	lone   *lone
	heard  uint64
	count  *atomic.Int64 // of those that Redis has taken
}

func (b *batch) add(ctx context.Context, channel string, text []byte, count *atomic.Int64) {
	l := b.bus.lones.find(channel)
	full := b.bus.prefix + channel
	if l != nil {
		full = l.full
	}
	heard := l.heard() // before Redis answers
	b.sent = append(b.sent, sent{b.pipe.Publish(ctx, full, text), l, heard, count})
}

// exec makes the round trip and learns from the answers who else listens: of a channel that is ours, the
// only receiver is ourselves.
func (b *batch) exec(ctx context.Context) error {
	_, err := b.pipe.Exec(ctx)
	until := b.bus.lones.now() + loneFor
	for _, s := range b.sent {
		switch receivers, err := s.answer.Result(); {
		case err != nil:
			b.bus.failed.Add(1)
			s.lone.settle(s.heard, 0)
		case receivers == 1:
			s.count.Add(1)
			s.lone.settle(s.heard, until)
		default:
			s.count.Add(1)
			s.lone.settle(s.heard, 0)
		}
	}
	return err
}
