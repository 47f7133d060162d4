package workload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/people"
)

const (
	floodRest = 2 * time.Second // between floods: what one has left behind is gone, and the buckets are filling again
	calmParts = 3               // the calm is measured so often, at the beginning, in the middle and at the end
)

// playFloods measures acks at a steady rate: in calm, and under each flood.
func playFloods(ctx context.Context, r *run) error {
	rooms, rate, d := or(r.Rooms, 100), or(r.Rate, 500), or(r.Duration, defaultDuration)
	r.settings("%d rooms, %.0f messages/s, %v for each flood", rooms, rate, d)
	all := floods(r.Floods)
	if len(all) == 0 {
		return fmt.Errorf("floods: none has %q in its name", r.Floods)
	}
	if err := r.know(ctx, rooms); err != nil {
		return err
	}
	if err := r.longHistory(ctx); err != nil { // before the books are opened
		return err
	}
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	talking, enough := context.WithCancel(ctx)
	played := r.arrivals(talking, rate, 24*time.Hour, r.places(anybody))
	wait(ctx, or(r.Warmup, defaultWarmup))
	from := r.mark(ctx)
	var err error
	var calm []time.Duration
	under := make([]time.Duration, len(all))
	for i, f := range all {
		if i%((len(all)+calmParts-1)/calmParts) == 0 {
			calm = append(calm, r.ackP99(ctx, d))
		}
		if under[i], err = r.under(ctx, f, d); err != nil {
			break
		}
		wait(ctx, floodRest)
	}
	r.between(from, r.mark(ctx))
	enough()
	<-played
	r.settle(ctx)
	slices.Sort(calm)
	r.reportFloods(all, calm[len(calm)/2], under)
	return errors.Join(err, ctx.Err())
}

func (r *run) reportFloods(all []flood, calm time.Duration, under []time.Duration) {
	r.figure("ack p99 in calm", milliseconds(calm), "ms", "less")
	for i, f := range all {
		r.figure("ack p99 under "+f.name, milliseconds(under[i]), "ms", "less")
		r.figure("  times the calm p99: "+f.name, milliseconds(under[i])/max(milliseconds(calm), 0.001), "", "less")
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *run) ackP99(ctx context.Context, d time.Duration) time.Duration {
	from := r.tally.Snapshot()
	wait(ctx, d)
	return r.tally.Snapshot().Since(from).Ack.At(0.99)
}

// under measures acks while the flood goes on, and writes down what its clients were answered.
func (r *run) under(ctx context.Context, f flood, d time.Duration) (time.Duration, error) {
	strangers, err := r.strangers(ctx, f)
	if err != nil {
		return 0, err
	}
	wait(ctx, min(time.Second, d/2))
	stopProfile := r.profile(ctx, d) // of the last flood, where there are several: -floods plays one
	p99 := r.ackP99(ctx, d)
	rss := r.mark(ctx).uses["server"].RSSBytes
	stopProfile()
	done, err := strangers.end()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", f.name, err)
	}
	line := fmt.Sprintf("%s: answered %s; server %d MiB", f.name, done.words(), rss>>20)
	if f.clients > 1 && done.Held > 0 {
		line += fmt.Sprintf("; %d still held", done.Held)
	}
	r.note(line)
	return p99, nil
}

// strangers starts a flood in a process of its own, with a low priority: what is measured is not to wait for turns of the
// same runtime, and in the world the strangers' machines are not ours.
func (r *run) strangers(ctx context.Context, f flood) (*floodProcess, error) {
	room := r.victim()
	token, _, err := r.fleet.API(0).Token(ctx, room.Buyer)
	if err != nil {
		return nil, err
	}
	words, err := json.Marshal(orders{Flood: f.name, Base: r.target.Bases[0], Seed: r.Seed,
		Room: room.ID, Token: token, Address: people.Address(room.Buyer.MemberID)})
	if err != nil {
		return nil, err
	}
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	priority := []string{"nice", "-n", "10"}
	if f.name == control {
		priority = []string{"chrt", "--idle", "0"}
	}
	cmd := exec.CommandContext(ctx, priority[0], append(priority[1:], own, FloodCommand)...)
	cmd.Stderr = os.Stderr
	p := &floodProcess{cmd: cmd}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	cmd.Stdout = &p.out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, err = p.in.Write(append(words, '\n'))
	return p, err
}

// floodProcess is a flood under way in its process.
type floodProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out bytes.Buffer
}

// end stops it and takes its books.
func (p *floodProcess) end() (done books, err error) {
	if err := errors.Join(p.in.Close(), p.cmd.Wait()); err != nil {
		return done, err
	}
	err = json.Unmarshal(p.out.Bytes(), &done)
	return done, err
}

// victim is the room whose history is read: that of the first buyer.
func (r *run) victim() people.Room { return r.rooms[0] }

// longHistory fills the room whose history is read: its page is as large as a page can be.
func (r *run) longHistory(ctx context.Context) error {
	room, ids := r.victim(), frame.NewRun()
	if r.began[room.ID] >= longPage {
		return nil // by an earlier run
	}
	body := strings.Repeat("가", longBody)
	for n := range longPage {
		token, _, err := r.fleet.API(0).Token(ctx, room.Buyer)
		if err != nil {
			return err
		}
		words := map[string]string{"body": body, "client_msg_id": string(ids.Append(nil, frame.Key{N: uint32(n)}))}
		if err := r.fleet.API(0).Call(ctx, http.MethodPost, "/chat/rooms/"+room.ID+"/messages", token, words, nil); err != nil {
			return fmt.Errorf("a long history: %w", err)
		}
	}
	return nil
}
