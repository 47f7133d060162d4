package workload

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/people"
)

// A flood is what strangers, or one member, do while the others talk.
type flood struct {
	name    string
	clients int // at once, each as fast as it is answered
	ask     func(ctx context.Context, f *flooder, n int, rnd *rand.Rand) (answer string)
}

// One address, or one of 65,536: whoever has rented machines.
const oneAddress = "203.0.113.9"

func anyAddress(rnd *rand.Rand) string {
	return fmt.Sprintf("100.64.%d.%d", rnd.IntN(256), rnd.IntN(256))
}

func floods() []flood {
	one := func(*rand.Rand) string { return oneAddress }
	return []flood{
		{"100 logins at once, one address", 100, logIn(one)},
		{"100 logins at once, many addresses", 100, logIn(anyAddress)},
		{"100 sign-ups at once, one address", 100, signUp(one)},
		{"100 sign-ups at once, many addresses", 100, signUp(anyAddress)},
		{"100 password resets at once, many addresses", 100, askReset(anyAddress)},
		{"100 searches at once, one address", 100, search(one)},
		{"100 searches at once, many addresses", 100, search(anyAddress)},
		{"40 history readers of one member", 40, readHistory},
		{"200 readers that never read", 200, neverRead},
		{"typing as fast as can be", 1, typeOn},
	}
}

const (
	floodRest = 2 * time.Second // between floods: what one has left behind is gone, and the buckets are filling again
	calmParts = 3               // the calm is measured so often, at the beginning, in the middle and at the end
)

// playFloods measures acks at a steady rate: in calm, and under each flood.
func playFloods(ctx context.Context, r *run) error {
	rooms, rate, d := or(r.Rooms, 100), or(r.Rate, 500), or(r.Duration, defaultDuration)
	r.settings("%d rooms, %.0f messages/s, %v for each flood", rooms, rate, d)
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
	all := floods()
	var calm []time.Duration
	under := make([]time.Duration, len(all))
	for i, f := range all {
		if i%((len(all)+calmParts-1)/calmParts) == 0 {
			calm = append(calm, r.ackP99(ctx, d))
		}
		under[i] = r.under(ctx, f, d)
		wait(ctx, floodRest)
	}
	r.between(from, r.mark(ctx))
	enough()
	<-played
	r.settle(ctx)
	slices.Sort(calm)
	r.reportFloods(calm[len(calm)/2], under)
	return ctx.Err()
}

func (r *run) reportFloods(calm time.Duration, under []time.Duration) {
	r.figure("ack p99 in calm", milliseconds(calm), "ms", "less")
	for i, f := range floods() {
		r.figure("ack p99 under "+f.name, milliseconds(under[i]), "ms", "less")
		r.figure("  of the calm one", milliseconds(under[i])/max(milliseconds(calm), 0.001), "", "less")
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *run) ackP99(ctx context.Context, d time.Duration) time.Duration {
	from := r.tally.Snapshot()
	wait(ctx, d)
	return r.tally.Snapshot().Since(from).Ack.At(0.99)
}

// flooder is one flood under way.
type flooder struct {
	r      *run
	client *http.Client
	base   string
	noting sync.Mutex
	counts map[string]int
	held   atomic.Int64 // connections that are kept without being read
}

// under measures acks while the flood goes on, and writes down what its clients were answered.
func (r *run) under(ctx context.Context, f flood, d time.Duration) time.Duration {
	flooding, end := context.WithCancel(ctx)
	w := &flooder{r: r, base: r.target.Bases[0], counts: map[string]int{}, client: &http.Client{Timeout: 20 * time.Second,
		Transport: &http.Transport{MaxIdleConns: f.clients, MaxIdleConnsPerHost: f.clients}}}
	var clients sync.WaitGroup
	for n := range f.clients {
		clients.Go(func() {
			rnd := rand.New(rand.NewPCG(r.Seed, uint64(n))) //nolint:gosec // the same for the same seed
			for flooding.Err() == nil {
				if answer := f.ask(flooding, w, n, rnd); flooding.Err() == nil {
					w.count(answer)
				}
			}
		})
	}
	wait(ctx, min(time.Second, d/2))
	p99 := r.ackP99(ctx, d)
	rss := r.mark(ctx).uses["server"].RSSBytes
	held := w.held.Load()
	end()
	clients.Wait()
	w.client.CloseIdleConnections()
	line := fmt.Sprintf("%s: answered %s; server %d MiB", f.name, w.answers(), rss>>20)
	if f.clients > 1 && held > 0 {
		line += fmt.Sprintf("; %d still held", held)
	}
	r.note(line)
	return p99
}

func (w *flooder) count(answer string) {
	w.noting.Lock()
	defer w.noting.Unlock()
	w.counts[answer]++
}

func (w *flooder) answers() string {
	w.noting.Lock()
	defer w.noting.Unlock()
	words := make([]string, 0, len(w.counts))
	for answer, n := range w.counts {
		words = append(words, fmt.Sprintf("%s %d times", answer, n))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// call asks once and gives the status. Who is refused waits a little: a flood of refusals is the simulator's own load.
func (w *flooder) call(ctx context.Context, method, path, address, token, body string) string {
	request, err := http.NewRequestWithContext(ctx, method, w.base+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	people.From(request.Header, address)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return brief(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable {
		wait(ctx, 50*time.Millisecond)
	}
	return fmt.Sprint(answer.StatusCode)
}

func brief(err error) string {
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		return "no answer in time"
	}
	return "connection broken"
}

func logIn(from func(*rand.Rand) string) func(context.Context, *flooder, int, *rand.Rand) string {
	return func(ctx context.Context, w *flooder, _ int, rnd *rand.Rand) string {
		body := fmt.Sprintf(`{"email":"nobody%d@flood.example","password":"not the password %d"}`, rnd.Uint32(), rnd.Uint32())
		return w.call(ctx, http.MethodPost, "/auth/login", from(rnd), "", body)
	}
}

func signUp(from func(*rand.Rand) string) func(context.Context, *flooder, int, *rand.Rand) string {
	return func(ctx context.Context, w *flooder, _ int, rnd *rand.Rand) string {
		body := fmt.Sprintf(`{"email":"%s@flood.example","password":"a long password %d","name":"flood"}`, crand.Text(), rnd.Uint32())
		return w.call(ctx, http.MethodPost, "/members", from(rnd), "", body)
	}
}

func askReset(from func(*rand.Rand) string) func(context.Context, *flooder, int, *rand.Rand) string {
	return func(ctx context.Context, w *flooder, _ int, rnd *rand.Rand) string {
		return w.call(ctx, http.MethodPost, "/password-resets", from(rnd), "", fmt.Sprintf(`{"email":"flood%d@flood.example"}`, rnd.Uint64()))
	}
}

func search(from func(*rand.Rand) string) func(context.Context, *flooder, int, *rand.Rand) string {
	return func(ctx context.Context, w *flooder, _ int, rnd *rand.Rand) string {
		const firstSyllable, syllables = 0xAC00, 11172
		q := string([]rune{rune(firstSyllable + rnd.IntN(syllables)), rune(firstSyllable + rnd.IntN(syllables))})
		return w.call(ctx, http.MethodGet, "/products?limit=100&q="+q, from(rnd), "", "")
	}
}

// victim is the room whose history is read: that of the first buyer.
func (r *run) victim() people.Room { return r.rooms[0] }

func readHistory(ctx context.Context, w *flooder, _ int, _ *rand.Rand) string {
	room := w.r.victim()
	token, _, err := w.r.fleet.API(0).Token(ctx, room.Buyer)
	if err != nil {
		return "no token"
	}
	return w.call(ctx, http.MethodGet, "/chat/rooms/"+room.ID+"/messages?limit=100", people.Address(room.Buyer.MemberID), token, "")
}

const (
	longPage   = 100                    // messages in the room whose history is read, each of the greatest length
	longBody   = 2000                   // code points
	deafAsks   = 20                     // pages that a reader which never reads asks for
	deafBuffer = 4096                   // of its socket, so that the server's fills
	deafLook   = 300 * time.Millisecond // how often it looks whether it has been cut off
)

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

// neverRead asks for pages and takes nothing of what comes, until it is cut off.
func neverRead(ctx context.Context, w *flooder, _ int, _ *rand.Rand) string {
	room := w.r.victim()
	token, _, err := w.r.fleet.API(0).Token(ctx, room.Buyer)
	if err != nil {
		return "no token"
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", strings.TrimPrefix(w.base, "http://"))
	if err != nil {
		return "not connected"
	}
	defer func() { _ = conn.Close() }()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(deafBuffer)
	}
	ask := fmt.Sprintf("GET /api/v1/chat/rooms/%s/messages?limit=%d HTTP/1.1\r\nHost: flood\r\nAuthorization: Bearer %s\r\n%s: %s\r\n\r\n",
		room.ID, longPage, token, people.Forwarded, people.Address(room.Buyer.MemberID))
	if _, err := conn.Write([]byte(strings.Repeat(ask, deafAsks))); err != nil {
		return "cut off"
	}
	w.held.Add(1)
	defer w.held.Add(-1)
	for ctx.Err() == nil {
		wait(ctx, deafLook)
		_ = conn.SetWriteDeadline(time.Now().Add(deafLook))
		if _, err := conn.Write([]byte("\r\n")); err != nil { // an empty line between requests says nothing
			return "cut off"
		}
	}
	return "held"
}

// typeOn says on one connection that somebody is typing, as fast as it can.
func typeOn(ctx context.Context, w *flooder, _ int, _ *rand.Rand) string {
	room := w.r.victim()
	token, _, err := w.r.fleet.API(0).Token(ctx, room.Buyer)
	if err != nil {
		return "no token"
	}
	header := http.Header{"Authorization": {"Bearer " + token}}
	people.From(header, people.Address(room.Buyer.MemberID))
	dialer := websocket.Dialer{Subprotocols: []string{"mall.chat.v1"}, HandshakeTimeout: 10 * time.Second}
	ws, answer, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(w.base, "http")+"/api/v1/chat/ws", header)
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		wait(ctx, 50*time.Millisecond)
		return fmt.Sprint("not connected: ", err)
	}
	defer func() { _ = ws.Close() }()
	ended := make(chan error, 1)
	go func() {
		for {
			if _, _, err := ws.NextReader(); err != nil {
				ended <- err
				return
			}
		}
	}()
	text := []byte(`{"type":"typing","room_id":"` + room.ID + `"}`)
	for ctx.Err() == nil {
		select {
		case err := <-ended:
			wait(ctx, 50*time.Millisecond)
			return closeCode(err)
		default:
		}
		if err := ws.WriteMessage(websocket.TextMessage, text); err != nil {
			return closeCode(<-ended)
		}
		w.count("typed")
	}
	return "ended"
}

func closeCode(err error) string {
	if c, ok := errors.AsType[*websocket.CloseError](err); ok {
		return fmt.Sprintf("closed %d", c.Code)
	}
	return "connection broken"
}
