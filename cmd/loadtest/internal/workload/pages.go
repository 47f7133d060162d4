package workload

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/people"
)

// playHistory lets readers open random rooms: the newest 50 messages, over kept connections, one page after the other.
func playHistory(ctx context.Context, r *run) error {
	rooms, readers := or(r.Rooms, min(500, len(r.target.Cast.Rooms))), or(r.Readers, 16)
	if err := r.know(ctx, rooms); err != nil {
		return err
	}
	stored := int64(0)
	for _, h := range r.began {
		stored += h
	}
	r.settings("%d readers of the newest 50 messages of %d rooms that hold %d", readers, rooms, stored)
	return r.readPages(ctx, readers, func(rnd *rand.Rand) (string, *people.Person) {
		room := r.rooms[rnd.IntN(len(r.rooms))]
		return "/chat/rooms/" + room.ID + "/messages?limit=50", room.Buyer
	})
}

// playInbox lets staff look at the first page of their shop's rooms again and again while messages arrive in them.
func playInbox(ctx context.Context, r *run) error {
	shop, all := busiest(r.target.Cast)
	rooms := all[:min(len(all), or(r.Rooms, 1000))]
	readers, rate := or(r.Readers, 4), or(r.Rate, 1000)
	r.settings("%d readers of the list of a shop with %d rooms, %.0f messages/s arriving in %d of them", readers, len(shop.Rooms), rate, len(rooms))
	r.target = &Target{Name: r.target.Name, Bases: r.target.Bases, Processes: r.target.Processes, Redis: r.target.Redis, Profiles: r.target.Profiles,
		Cast: &people.Cast{People: r.target.Cast.People, Rooms: rooms}}
	if err := r.firstWords(ctx, all); err != nil {
		return err
	}
	if err := r.gather(ctx, len(rooms)); err != nil {
		return err
	}
	arriving, stop := context.WithCancel(ctx)
	played := r.arrivals(arriving, rate, time.Hour, r.places(buyers))
	err := r.readPages(ctx, readers, func(*rand.Rand) (string, *people.Person) {
		return "/chat/rooms?shop_id=" + shop.ShopID, shop
	})
	stop()
	<-played
	r.settle(ctx)
	return err
}

// firstWords lets the buyers of rooms in which nothing has been said say something, by REST: a shop's list does not show
// rooms that are silent.
func (r *run) firstWords(ctx context.Context, rooms []people.Room) error {
	heads := map[string]int64{}
	if err := r.fleet.API(0).Heads(ctx, rooms[0].Staff, heads); err != nil {
		return err
	}
	ids := frame.NewRun()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(or(r.Readers, 16))
	for n, room := range rooms {
		if heads[room.ID] > 0 {
			continue
		}
		g.Go(func() error {
			token, _, err := r.fleet.API(0).Token(ctx, room.Buyer)
			if err != nil {
				return err
			}
			words := map[string]string{"body": frame.Text, "client_msg_id": string(ids.Append(nil, frame.Key{N: uint32(n)}))}
			return r.fleet.API(0).Call(ctx, http.MethodPost, "/chat/rooms/"+room.ID+"/messages", token, words, nil)
		})
	}
	return g.Wait()
}

// busiest finds the shop with the most rooms.
func busiest(c *people.Cast) (shop *people.Person, rooms []people.Room) {
	for _, p := range c.People {
		if p.Kind == "staff" && (shop == nil || len(p.Rooms) > len(shop.Rooms)) {
			shop = p
		}
	}
	for _, room := range c.Rooms {
		if room.Staff == shop {
			rooms = append(rooms, room)
		}
	}
	return shop, rooms
}

// readPages measures readers, each of whom asks for the next page as soon as the last one is there.
func (r *run) readPages(ctx context.Context, readers int, next func(rnd *rand.Rand) (path string, who *people.Person)) error {
	stop := r.watch(ctx)
	defer stop()
	reading, enough := context.WithCancel(ctx)
	var running sync.WaitGroup
	for n := range readers {
		running.Go(func() {
			rnd := rand.New(rand.NewPCG(r.Seed, uint64(n))) //nolint:gosec // the same for the same seed
			r.read(reading, people.NewReader(r.target.Bases[n%len(r.target.Bases)]), rnd, next)
		})
	}
	r.measure(ctx, or(r.Warmup, defaultWarmup), or(r.Duration, defaultDuration))
	enough()
	running.Wait()
	r.figure("pages per second", float64(r.out.Page.N)/r.out.Measured.Seconds(), "/s", "more")
	if r.out.Page.N == 0 {
		return errors.New("no page was read")
	}
	return ctx.Err()
}

func (r *run) read(ctx context.Context, reader *people.Reader, rnd *rand.Rand, next func(rnd *rand.Rand) (string, *people.Person)) {
	defer reader.Close()
	for ctx.Err() == nil {
		path, who := next(rnd)
		token, _, err := r.fleet.API(0).Token(ctx, who)
		began := time.Now()
		if err == nil {
			err = reader.Get(ctx, path, token)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.tally.Error("page: " + err.Error())
			wait(ctx, 100*time.Millisecond)
			continue
		}
		r.tally.Page.Add(time.Since(began))
	}
}
