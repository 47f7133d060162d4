package chat

import (
	"context"
	"errors"
	"sync"
	"testing"

	"mall/modules/platform/id"
)

// However many connections a member has, others find a place, also when those wait who came first.
func TestAMemberHasAShareOfThePlaces(t *testing.T) {
	p := newPlaces(4, 2)
	greedy, other := id.New(), id.New()
	reading, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			_ = p.read(context.Background(), greedy, func() error {
				reading <- struct{}{}
				<-release
				return nil
			})
		})
	}
	<-reading
	<-reading
	done := false
	if err := p.read(t.Context(), other, func() error { done = true; return nil }); err != nil || !done {
		t.Errorf("another member's read: %v", err)
	}
	select {
	case <-reading:
		t.Error("a member has more than its share")
	default:
	}
	close(release)
	for range 8 {
		<-reading
	}
	all.Wait()
	if len(p.members) != 0 {
		t.Errorf("%d members are remembered", len(p.members))
	}
}

func TestWhoWaitsForAPlaceMayGo(t *testing.T) {
	p := newPlaces(1, 1)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	err := p.read(t.Context(), id.New(), func() error {
		return p.read(gone, id.New(), func() error { t.Error("ran"); return nil })
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
