package client

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mall/cmd/loadtest/internal/people"
)

// Connected says how connecting went.
type Connected struct {
	Tried int           `json:"tried"`
	Made  int           `json:"made"`
	Again int           `json:"again"` // refused for now (503) and tried again
	Took  time.Duration `json:"took_ns"`
}

// Connect dials connections, some at once, and returns when each is welcomed or has failed.
func (f *Fleet) Connect(ctx context.Context, conns []*Conn, atOnce int) Connected {
	var made, again atomic.Int64
	var dialling sync.WaitGroup
	next := make(chan *Conn)
	began := time.Now()
	for range min(atOnce, len(conns)) {
		dialling.Go(func() {
			for c := range next {
				if f.connect(ctx, c, &again) == nil {
					made.Add(1)
				}
			}
		})
	}
	for _, c := range conns {
		next <- c
	}
	close(next)
	dialling.Wait()
	return Connected{Tried: len(conns), Made: int(made.Load()), Again: int(again.Load()), Took: time.Since(began)}
}

// Whole waits until every connection has been told all that it missed; an error when some are not in time.
func (f *Fleet) Whole(ctx context.Context) error {
	patience := time.NewTimer(welcomePatience)
	defer patience.Stop()
	for _, c := range f.Conns {
		select {
		case <-c.whole:
		case <-patience.C:
			return errors.New("some connections have not been told what they missed")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// connect dials until the server takes the connection or refuses it for good.
func (f *Fleet) connect(ctx context.Context, c *Conn, again *atomic.Int64) error {
	for {
		after, err := c.dial(ctx)
		if err == nil {
			return nil
		}
		if after == 0 || ctx.Err() != nil {
			f.Tally.Error("connect: " + short(err))
			return err
		}
		again.Add(1)
		pause(ctx, after)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// short leaves out of an error what differs between connections.
func short(err error) string {
	var p *people.Problem
	var op *net.OpError
	switch {
	case errors.As(err, &p):
		return strings.TrimSpace(strconv.Itoa(p.Status) + " " + p.Code)
	case errors.As(err, &op):
		return op.Op + " " + op.Err.Error()
	}
	return err.Error()
}
