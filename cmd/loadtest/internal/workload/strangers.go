package workload

import (
	"bufio"
	"context"
	crand "crypto/rand"
	"encoding/json"
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

	"mall/cmd/loadtest/internal/people"
)

// FloodCommand makes the load test's program the strangers of one flood: PlayFlood.
const FloodCommand = "flood"

// orders are what the strangers are told, and books what they tell at the end.
type (
	orders struct {
		Flood, Base          string
		Seed                 uint64
		Room, Token, Address string // of a member who takes part, where one does
	}
	books struct {
		Answers map[string]int
		Held    int64 // connections that were kept without being read
	}
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

// control is no flood: one core that computes for nobody, with the priority that the mall's own hashing has. It asks the mall
// nothing, so what it does to the acks is the machine's doing, and no flood that keeps a core busy can do less.
const control = "a core busy for nobody (no flood, to compare with)"

func floods(word string) []flood {
	one := func(*rand.Rand) string { return oneAddress }
	return slices.DeleteFunc([]flood{
		{control, 1, keepBusy},
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
	}, func(f flood) bool { return !strings.Contains(strings.ReplaceAll(f.name, " ", "-"), word) })
}

// PlayFlood reads its orders from a line of in, plays them until in ends, and writes its books to out.
func PlayFlood(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	w := &flooder{books: books{Answers: map[string]int{}}}
	if err := json.Unmarshal(line, &w.orders); err != nil {
		return err
	}
	chosen := floods(strings.ReplaceAll(w.Flood, " ", "-"))
	if len(chosen) != 1 {
		return fmt.Errorf("%d floods have the name %q", len(chosen), w.Flood)
	}
	f := chosen[0]
	w.client = &http.Client{Timeout: 20 * time.Second,
		Transport: &http.Transport{MaxIdleConns: f.clients, MaxIdleConnsPerHost: f.clients}}
	flooding, end := context.WithCancel(ctx)
	defer end()
	var clients sync.WaitGroup
	for n := range f.clients {
		clients.Go(func() {
			rnd := rand.New(rand.NewPCG(w.Seed, uint64(n))) //nolint:gosec // the same for the same seed
			for flooding.Err() == nil {
				if answer := f.ask(flooding, w, n, rnd); flooding.Err() == nil {
					w.count(answer)
				}
			}
		})
	}
	_, err = io.Copy(io.Discard, lines)
	w.Held = w.held.Load()
	end()
	clients.Wait()
	w.client.CloseIdleConnections()
	return errors.Join(err, json.NewEncoder(out).Encode(w.books))
}

// flooder is one flood under way.
type flooder struct {
	orders
	books

	client *http.Client
	noting sync.Mutex
	held   atomic.Int64 // connections that are kept without being read
}

func (w *flooder) count(answer string) {
	w.noting.Lock()
	defer w.noting.Unlock()
	w.Answers[answer]++
}

func (b books) words() string {
	words := make([]string, 0, len(b.Answers))
	for answer, n := range b.Answers {
		words = append(words, fmt.Sprintf("%s %d times", answer, n))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// call asks once and gives the status. Who is refused waits a little: a flood of refusals is the simulator's own load.
func (w *flooder) call(ctx context.Context, method, path, address, token, body string) string {
	request, err := http.NewRequestWithContext(ctx, method, w.Base+"/api/v1"+path, strings.NewReader(body))
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

func keepBusy(ctx context.Context, _ *flooder, _ int, _ *rand.Rand) string {
	for ctx.Err() == nil { //nolint:revive // to be busy is all it does
	}
	return "computed"
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

func readHistory(ctx context.Context, w *flooder, _ int, _ *rand.Rand) string {
	return w.call(ctx, http.MethodGet, "/chat/rooms/"+w.Room+"/messages?limit=100", w.Address, w.Token, "")
}

const (
	longPage   = 100                    // messages in the room whose history is read, each of the greatest length
	longBody   = 2000                   // code points
	deafAsks   = 20                     // pages that a reader which never reads asks for
	deafBuffer = 4096                   // of its socket, so that the server's fills
	deafLook   = 300 * time.Millisecond // how often it looks whether it has been cut off
)

// neverRead asks for pages and takes nothing of what comes, until it is cut off.
func neverRead(ctx context.Context, w *flooder, _ int, _ *rand.Rand) string {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", strings.TrimPrefix(w.Base, "http://"))
	if err != nil {
		return "not connected"
	}
	defer func() { _ = conn.Close() }()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(deafBuffer)
	}
	ask := fmt.Sprintf("GET /api/v1/chat/rooms/%s/messages?limit=%d HTTP/1.1\r\nHost: flood\r\nAuthorization: Bearer %s\r\n%s: %s\r\n\r\n",
		w.Room, longPage, w.Token, people.Forwarded, w.Address)
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
	header := http.Header{"Authorization": {"Bearer " + w.Token}}
	people.From(header, w.Address)
	dialer := websocket.Dialer{Subprotocols: []string{"mall.chat.v1"}, HandshakeTimeout: 10 * time.Second}
	ws, answer, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(w.Base, "http")+"/api/v1/chat/ws", header)
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
	text := []byte(`{"type":"typing","room_id":"` + w.Room + `"}`)
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
