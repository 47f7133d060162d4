package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/record"
)

// bringClients lets everybody come, each device to the instance it begins with; stop sends them home and waits.
func (s *stage) bringClients(ctx context.Context) (stop func()) {
	for _, p := range s.cast.people {
		for tab := range p.tabs {
			c := s.newClient(p, tab, "", len(s.clients)%listenerEvery == listenerEvery-1)
			s.clients = append(s.clients, c)
			s.join(ctx, c)
		}
	}
	s.traffic = newTraffic(s.clients, s.rnd, len(s.cast.rooms))
	return func() {
		s.traffic.stop()
		var leaving sync.WaitGroup
		for _, c := range s.clients {
			leaving.Go(func() { s.leave(c) })
		}
		leaving.Wait()
		client.Forget()
	}
}

// join lets a device run, with what it has from before.
func (s *stage) join(ctx context.Context, c *client.Client) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	s.mu.Lock()
	s.running[c] = func() { cancel(); <-done }
	s.mu.Unlock()
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
}

// leave ends a device's run and waits for it; join lets it come back.
func (s *stage) leave(c *client.Client) {
	s.mu.Lock()
	end := s.running[c]
	delete(s.running, c)
	s.mu.Unlock()
	if end != nil {
		end()
	}
}

// listenerEvery is which part of the devices listen to event streams and speak by REST.
const listenerEvery = 5

// newClient makes a device of a person; suffix sets apart one that joins later, events one that has no socket.
func (s *stage) newClient(p *person, tab int, suffix string, events bool) *client.Client {
	var rooms []client.Room
	for _, id := range p.rooms {
		rooms = append(rooms, client.Room{ID: id, Head: s.base[id]})
	}
	c := client.New(client.Config{Name: fmt.Sprintf("%s-%d%s", p.name, tab+1, suffix), Account: p.account, Shop: p.shop, Events: events, Seed: s.rnd.Uint64(),
		Home: s.cluster.Homes[(p.home+tab)%instances].Addr(), Away: s.cluster.Front.Addr(), Instance: s.cluster.InstanceAt}, rooms)
	for _, id := range p.hears {
		c.Log().Rooms[id] = true
	}
	return c
}

func (s *stage) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return until(ctx, "the clients are connected", func() bool { return s.readySince() != nil })
}

// readySince gives when the last client became ready; nil while one is not.
func (s *stage) readySince() *time.Time {
	var last time.Time
	for _, c := range s.clients {
		since, ok := c.Ready()
		if !ok {
			return nil
		}
		if since.After(last) {
			last = since
		}
	}
	return &last
}

// logs are those of all clients and of the prober.
func (s *stage) logs() (all []*record.Log) {
	for _, c := range append(s.clients[:len(s.clients):len(s.clients)], s.guests...) {
		all = append(all, c.Log())
	}
	if s.prober != nil {
		all = append(all, s.prober.log)
	}
	return all
}

// watched are the logs of those who are not away on purpose.
func (s *stage) watched() (all []*record.Log) {
	for _, c := range s.clients {
		if !s.away[c] {
			all = append(all, c.Log())
		}
	}
	if s.prober != nil {
		all = append(all, s.prober.log)
	}
	return all
}

// rest makes a call as the person, and says what went wrong in one line.
func (p *person) rest(ctx context.Context, base, path string, in, out any) (status int, err error) {
	return p.account.CallAt(ctx, base, http.MethodPost, path, in, out)
}
