package workload

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"mall/cmd/loadtest/internal/client"
	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/schedule"
)

// The shares of a day, for each message that is sent.
const (
	typed      = 0.5  // is announced by typing
	marked     = 0.8  // is marked as read by who receives it
	reloads    = 0.05 // page reloads: a new connection, the list and a page of history
	cuts       = 0.02 // connections cut by a network
	burstEvery = 10 * time.Second
	burstLasts = time.Second
	burstTimes = 5 // the rate in a burst
)

// playChatDay is a day in small: most people only wait, some talk, shops have hundreds of rooms, pages are loaded anew,
// networks fail, and every now and then something makes everybody ask at once.
func playChatDay(ctx context.Context, r *run) error {
	r.fleet.Outbox = true
	rooms, rate := or(r.Rooms, min(2000, len(r.target.Cast.Rooms))), or(r.Rate, 300)
	warmup, duration := or(r.Warmup, defaultWarmup), or(r.Duration, 3*burstEvery)
	r.settings("%d rooms, %.0f messages/s with bursts of %d times that, %.0f%% reloads, %.0f%% cuts", rooms, rate, burstTimes, 100*reloads, 100*cuts)
	r.fleet.OnReceive = markRead
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	day := &day{run: r, places: r.places(anybody), rnd: rand.New(rand.NewPCG(r.Seed, 7))} //nolint:gosec // the same for the same seed
	played := make(chan struct{})
	go func() {
		defer close(played)
		day.play(ctx, rate, warmup+duration)
	}()
	r.measure(ctx, warmup, duration)
	<-played
	day.loading.Wait()
	r.until(ctx, reconnectPatience, func() bool { return r.fleet.Online() == len(r.fleet.Conns) })
	back := r.tally.Back.Snapshot()
	r.figure("reloads and cuts", float64(back.N), "", "")
	r.figure("back and complete p99", float64(back.At(0.99).Milliseconds()), "ms", "less")
	r.settle(ctx)
	return ctx.Err()
}

// markRead says that a message has been read, most of the time: some stay unread.
func markRead(at client.At, seq int64) {
	if rand.Float64() < marked { //nolint:gosec // guards nothing
		at.Conn.Say(func(b []byte) []byte { return frame.AppendMark(b, "read", at.Conn.Rooms[at.Room], seq) })
	}
}

// day is what the people of a chat day do.
type day struct {
	*run

	places  []client.At
	rnd     *rand.Rand
	loading sync.WaitGroup
}

func (d *day) play(ctx context.Context, rate float64, length time.Duration) {
	from := d.fleet.Now()
	most := or(d.Outstanding, 256)
	// The schedule is of the bursts' rate; between bursts most of it is left out.
	schedule.NewPoisson(rate*burstTimes, from, d.Seed).Play(ctx, d.fleet.Now, from+length.Microseconds(), func(due int64) {
		inBurst := time.Duration(due-from)*time.Microsecond%burstEvery > burstEvery-burstLasts
		if inBurst || d.rnd.IntN(burstTimes) == 0 {
			d.message(ctx, due, most)
		}
	})
}

// message lets somebody write, and now and then somebody else reload a page or lose the network. Few rooms are lively:
// the square of a random number prefers the first.
func (d *day) message(ctx context.Context, due int64, most int) {
	x := d.rnd.Float64()
	at := d.places[int(x*x*float64(len(d.places)))]
	if d.rnd.Float64() < typed {
		at.Conn.Say(func(b []byte) []byte { return frame.AppendTyping(b, at.Conn.Rooms[at.Room], true) })
	}
	d.due(at, due, most)
	switch chance := d.rnd.Float64(); {
	case chance < cuts:
		d.anyone().Conn.Cut()
	case chance < cuts+reloads:
		d.reload(ctx, d.anyone())
	}
}

func (d *day) anyone() client.At { return d.places[d.rnd.IntN(len(d.places))] }

// reload is what a page does when it is loaded: the list, the room's newest page, and a new connection.
func (d *day) reload(ctx context.Context, at client.At) {
	if !at.Conn.Cut() {
		return
	}
	d.loading.Go(func() {
		api, who := d.fleet.API(0), at.Conn.Person
		token, _, err := api.Token(ctx, who)
		list := "/chat/rooms"
		if who.ShopID != "" {
			list += "?shop_id=" + who.ShopID
		}
		for _, path := range []string{list, "/chat/rooms/" + at.Conn.Rooms[at.Room] + "/messages?limit=50"} {
			began := time.Now()
			if err == nil {
				err = api.Call(ctx, http.MethodGet, path, token, nil, nil)
			}
			if err == nil {
				d.tally.Page.Add(time.Since(began))
			} else if ctx.Err() == nil {
				d.tally.Error("page: " + err.Error())
			}
		}
	})
}
