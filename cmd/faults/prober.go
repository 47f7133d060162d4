package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/record"
	"mall/modules/platform/id"
)

// prober calls REST through the balancer all the time: reads, and sends that are repeated with their key until they are
// stored. While it runs no call may fail on the server's side.
type prober struct {
	log   *record.Log
	end   context.CancelFunc
	wg    sync.WaitGroup
	mu    sync.Mutex
	calls int
}

const (
	readEvery = 40 * time.Millisecond
	sendEvery = 150 * time.Millisecond
)

func startProber(ctx context.Context, s *stage) *prober {
	who := s.cast.people[len(s.cast.people)-1] // a buyer
	ctx, cancel := context.WithCancel(ctx)
	p := &prober{end: cancel, log: &record.Log{Client: "rest", Member: who.account.MemberID, Rooms: map[string]bool{}}}
	room := who.rooms[0]
	p.log.Rooms[room] = true
	p.wg.Go(func() {
		p.repeat(ctx, s, readEvery, func() error {
			_, err := who.account.After(ctx, room, s.base[room])
			return err
		})
	})
	p.wg.Go(func() {
		p.repeat(ctx, s, sendEvery, func() error { return p.send(ctx, s, who.account, room) })
	})
	return p
}

func (p *prober) stop() {
	p.end()
	p.wg.Wait()
}

func (p *prober) repeat(ctx context.Context, s *stage, every time.Duration, call func() error) {
	for pause(ctx, every) == nil {
		err := call()
		p.mu.Lock()
		p.calls++
		p.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			p.blame(s, err)
		}
	}
}

// blame counts what is the server's fault. A call on a kept connection that nginx had just closed is not: HTTP leaves
// that to the client, which repeats a send with its key.
func (p *prober) blame(s *stage, err error) {
	var refused *client.Problem
	p.log.Add(record.Event{Kind: record.Note, Note: err.Error()})
	if !errors.As(err, &refused) || refused.Status < http.StatusInternalServerError {
		s.note("REST at %s: %v", time.Now().Format("15:04:05.000"), err)
		return
	}
	s.violatef(checker.Other, "P12: a REST call through the balancer at %s: %v", time.Now().Format("15:04:05.000"), err)
}

// send sends one message. What failed is repeated with the same key; its first failure is the answer.
func (p *prober) send(ctx context.Context, s *stage, who *client.Account, room string) (first error) {
	key, body := id.New().String(), fmt.Sprintf("by REST %d", p.calls)
	p.log.Add(record.Event{Kind: record.Write, Room: room, Key: key, Body: body})
	for {
		p.log.Add(record.Event{Kind: record.Send, Room: room, Key: key})
		var ack struct {
			Seq int64
			Dup bool
		}
		// Not ended with the prober: a send under way is finished, so that its ack is known.
		_, err := who.Call(context.WithoutCancel(ctx), http.MethodPost, "/chat/rooms/"+room+"/messages", map[string]string{"client_msg_id": key, "body": body}, &ack)
		if err == nil {
			p.log.Add(record.Event{Kind: record.Ack, Room: room, Key: key, Seq: ack.Seq, Dup: ack.Dup})
			return first
		}
		if first == nil {
			first = err
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return first
		}
	}
}
