package workload

import (
	"context"
	"errors"
	"fmt"

	"mall/cmd/loadtest/internal/client"
	"mall/cmd/loadtest/internal/people"
)

// know chooses n rooms and finds out where they begin.
func (r *run) know(ctx context.Context, n int) error {
	if len(r.target.Cast.Rooms) < n {
		return fmt.Errorf("%d rooms are asked for and there are %d: make more people", n, len(r.target.Cast.Rooms))
	}
	r.rooms = r.target.Cast.Rooms[:n]
	heads, err := r.heads(ctx)
	if err != nil {
		return fmt.Errorf("where the rooms begin: %w", err)
	}
	r.began = map[string]int64{}
	for _, room := range r.rooms {
		r.began[room.ID] = heads[room.ID]
	}
	return nil
}

// seat makes the connections of n rooms: one for each person, for all of their rooms. The two sides of a room are at home
// on different instances where there are several.
func (r *run) seat(ctx context.Context, n int) error {
	if err := r.know(ctx, n); err != nil {
		return err
	}
	var order []*people.Person
	seats := map[*people.Person][]string{}
	for _, room := range r.rooms {
		for _, p := range []*people.Person{room.Buyer, room.Staff} {
			if seats[p] == nil {
				order = append(order, p)
			}
			seats[p] = append(seats[p], room.ID)
		}
	}
	buyers := map[bool]int{}
	for _, p := range order {
		staff := p.Kind == "staff"
		home := buyers[staff]
		buyers[staff]++
		if staff {
			home++
		}
		r.fleet.Add(p, home, seats[p], r.began)
	}
	return nil
}

// heads asks the shops' staff where the rooms are now: one page tells of a hundred.
func (r *run) heads(ctx context.Context) (map[string]int64, error) {
	heads := map[string]int64{}
	if r.target.Relay {
		return heads, nil
	}
	asked := map[*people.Person]bool{}
	for _, room := range r.rooms {
		if asked[room.Staff] {
			continue
		}
		asked[room.Staff] = true
		if err := r.fleet.API(0).Heads(ctx, room.Staff, heads); err != nil {
			return nil, err
		}
	}
	return heads, nil
}

var errNotAll = errors.New("not all connections could be made")

// connect is the barrier: it returns when everybody has been welcomed.
func (r *run) connect(ctx context.Context, atOnce int) error {
	r.out.Connect = r.fleet.Connect(ctx, r.fleet.Conns, atOnce)
	if r.out.Connect.Made < r.out.Connect.Tried {
		return errors.Join(errNotAll, ctx.Err())
	}
	return r.fleet.Whole(ctx)
}

// each calls f for each place from which messages can be sent.
func (r *run) each(f func(at client.At)) {
	for _, c := range r.fleet.Conns {
		for room := range c.Rooms {
			f(client.At{Conn: c, Room: room})
		}
	}
}
