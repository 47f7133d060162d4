package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/frame"
)

// roomsAtOnce is the contract's limit of one resume.
const roomsAtOnce = 200

// prepareResume writes down what the connection has of its rooms, before anything new can come. The first time that is
// what the lists of rooms have said: without a place to go on from, the server would begin with whatever comes first.
func (c *Conn) prepareResume() {
	c.whole, c.part = make(chan struct{}), 0
	if c.fleet.Relay || len(c.Rooms) == 0 {
		close(c.whole)
		return
	}
	c.have = make([]int64, len(c.Rooms))
	for i := range c.views {
		c.have[i] = c.views[i].Last()
		c.views[i].Resume()
	}
}

// resume asks for what was missed in the next few rooms; the caller holds c.mu. A connection has one such question at
// a time.
func (c *Conn) resume() {
	rooms := map[string]int64{}
	for i := c.part * roomsAtOnce; i < min((c.part+1)*roomsAtOnce, len(c.Rooms)); i++ {
		rooms[c.Rooms[i]] = c.have[i]
	}
	text, err := json.Marshal(map[string]any{"type": "resume", "id": resumeID, "epoch": c.epoch, "rooms": rooms})
	if err != nil { // texts and numbers always encode
		panic(err)
	}
	c.put(text)
}

const resumeID = "resume"

// resumed goes on with the next rooms, or ends the time in which two streams come.
func (c *Conn) resumed() {
	if c.part++; c.part*roomsAtOnce < len(c.Rooms) {
		c.resumeNow()
		return
	}
	for i := range c.views {
		c.views[i].Resumed()
	}
	close(c.whole)
}

func (c *Conn) resumeNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws != nil {
		c.resume()
	}
}

// resumeLater asks again after a refusal.
func (c *Conn) resumeLater(after time.Duration) {
	c.fleet.live.Go(func() {
		pause(c.fleet.lifetime, max(after, 100*time.Millisecond))
		c.resumeNow()
	})
}

// tooFar reads by REST what the server would not send again, as the contract asks.
func (c *Conn) tooFar(f *frame.Frame) {
	c.fleet.Tally.Error("too_far")
	i := c.roomOf(f.Room)
	for i >= 0 && c.views[i].Last() < f.Head {
		var page struct {
			Items []struct {
				Seq int64  `json:"seq"`
				Key string `json:"client_msg_id"`
			} `json:"items"`
		}
		api := c.fleet.API(c.home)
		token, _, err := api.Token(c.fleet.lifetime, c.Person)
		if err == nil {
			path := "/chat/rooms/" + c.Rooms[i] + "/messages?limit=100&after_seq=" + strconv.FormatInt(c.views[i].Last(), 10)
			err = api.Call(c.fleet.lifetime, http.MethodGet, path, token, nil, &page)
		}
		if err != nil || len(page.Items) == 0 {
			c.fleet.Tally.Error("messages not read: " + short(err))
			return
		}
		for _, m := range page.Items {
			c.shown(&frame.Frame{Room: f.Room, Seq: m.Seq, Key: []byte(m.Key)})
		}
	}
}

// over says what becomes of a connection that has ended: it comes back as the contract asks for.
func (c *Conn) over(err error) {
	if c.goodbye.Load() {
		return
	}
	code := 0
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		code = closed.Code
	}
	if !c.cut.Swap(false) {
		c.fleet.Tally.Error(endOf(code))
	}
	if c.fleet.Relay || code >= 4400 && code < 4500 && code != 4401 {
		return
	}
	c.fleet.live.Go(func() { c.comeBack(c.fleet.lifetime, c.fleet.Now()) })
}

func endOf(code int) string {
	if code == 0 || code == websocket.CloseAbnormalClosure {
		return "connection broke"
	}
	return fmt.Sprintf("closed %d", code)
}

// The contract's numbers for coming back.
const (
	backFirst = 500 * time.Millisecond
	backMost  = 30 * time.Second
)

// comeBack dials with full jitter until it is connected and complete again.
func (c *Conn) comeBack(ctx context.Context, gone int64) {
	<-c.ended
	for tries := 0; ctx.Err() == nil && !c.goodbye.Load(); tries++ {
		most := min(backMost, backFirst<<min(tries, 10))
		pause(ctx, rand.N(most)) //nolint:gosec // jitter guards nothing
		after, err := c.dial(ctx)
		if err != nil {
			c.fleet.Tally.BackAgain.Add(1)
			pause(ctx, after)
			continue
		}
		select {
		case <-c.whole:
			c.fleet.Tally.Back.Add(time.Duration(c.fleet.Now()-gone) * time.Microsecond)
		case <-c.ended: // over has begun anew
		case <-ctx.Done():
		}
		return
	}
}

// Cut breaks the connection as a network would; false when there is none.
func (c *Conn) Cut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws == nil {
		return false
	}
	c.cut.Store(true)
	_ = c.ws.NetConn().Close()
	return true
}
