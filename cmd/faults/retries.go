package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/wire"
	"mall/modules/platform/id"
)

func retryFaults() []fault {
	return []fault{{name: "retries of another world", about: "a send's answer is lost, then its card, its head, its inquiry, the limits or its sender's seat change: retries find what is stored (P2)",
		short: true, guests: true, inject: retryLater}}
}

// change is one way in which the world becomes another between a send and its retry.
type change struct {
	what    string
	refused bool // the sender has no seat afterwards
	prepare func(ctx context.Context, w *world) error
	happen  func(ctx context.Context, w *world) error
}

// world is where a send and its retries happen: a room of the first shop, and who writes in it.
type world struct {
	*stage

	room   string
	shop   *person
	sender *client.Account
	send   map[string]any // the fields of the send
	thing  string         // what changes
}

var changes = []change{
	{what: "its product is deleted", prepare: withCard, happen: func(ctx context.Context, w *world) error {
		_, err := w.shop.account.Call(ctx, http.MethodDelete, "/products/"+w.thing, nil, nil)
		return err
	}},
	{what: "a colleague has answered", prepare: asAgent, happen: func(ctx context.Context, w *world) error {
		_, err := w.shop.account.Call(ctx, http.MethodPost, "/chat/rooms/"+w.room+"/messages", map[string]any{"client_msg_id": id.New(), "body": "a colleague's answer"}, nil)
		return err
	}},
	{what: "its inquiry is closed", prepare: withInquiry, happen: func(ctx context.Context, w *world) error {
		_, err := w.shop.account.Call(ctx, http.MethodPatch, "/chat/rooms/"+w.room+"/inquiries/"+w.thing, map[string]string{"state": "done"}, nil)
		return err
	}},
	{what: "its sender is off the staff", refused: true, prepare: asAgent, happen: func(ctx context.Context, w *world) error {
		_, err := w.shop.account.Call(ctx, http.MethodDelete, "/shops/"+w.shop.shop+"/staff/"+w.sender.MemberID, nil, nil)
		return err
	}},
	{what: "its sender is banned", refused: true, prepare: asAgent, happen: func(ctx context.Context, w *world) error {
		_, err := w.cluster.Tell(ctx, "member", "ban", w.sender.Email)
		return err
	}},
	{what: "bodies may be shorter only", happen: func(ctx context.Context, w *world) error {
		w.cluster.KillInstances()
		w.cluster.With("MALL_CHAT__BODY_CODE_POINTS=20", "MALL_CHAT__BODY_LINES=1")
		w.closers = append(w.closers, func() { w.cluster.With(); w.cluster.KillInstances() }) // the stage starts them again
		return w.cluster.StartInstances(ctx)
	}},
}

// retryLater plays each change, with a first send by socket and by REST. Who shortens the limits comes last.
func retryLater(ctx context.Context, s *stage) error {
	s.traffic.stop()
	if err := s.allLeave(ctx); err != nil {
		return err
	}
	shop := s.cast.people[0]
	done := 0
	for n, c := range changes {
		var before []*first
		for way, bySocket := range []bool{true, false} {
			room := shop.rooms[(2*n+way)%len(shop.rooms)]
			w := &world{stage: s, room: room, shop: shop, sender: s.buyerOf(room, shop).account}
			w.send = map[string]any{"room_id": room, "client_msg_id": id.New().String(), "body": "words that are longer than twenty code points\nand a line, sent once"}
			if c.prepare != nil {
				if err := c.prepare(ctx, w); err != nil {
					return fmt.Errorf("%s: %w", c.what, err)
				}
			}
			f, err := w.loseAnswer(ctx, bySocket)
			if err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
			before = append(before, f)
		}
		for _, f := range before {
			if err := c.happen(ctx, f.world); err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
		}
		for _, f := range before {
			r, err := f.retry(ctx, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
			s.violate(checker.JudgeRetry(r)...)
			done += len(r.Answers)
		}
	}
	s.note("%d retries after %d changes", done, len(changes))
	client.Forget()
	for _, c := range s.clients {
		s.join(ctx, c)
	}
	return s.untilReady(ctx)
}

// withCard makes a product and shows it.
func withCard(ctx context.Context, w *world) error {
	var product struct{ ID string }
	_, err := w.shop.account.Call(ctx, http.MethodPost, "/shops/"+w.shop.shop+"/products",
		map[string]any{"name": "a mug that goes", "category": "home", "price_won": 100, "stock": 1}, &product)
	w.thing = product.ID
	w.send["card"] = map[string]string{"kind": "product", "id": product.ID}
	return err
}

// asAgent lets a new agent of the shop send, who knows the room up to its head.
func asAgent(ctx context.Context, w *world) error {
	w.sender = &client.Account{Base: w.shop.account.Base, Email: "agent-" + id.New().String() + "@faults.test", Password: password}
	if err := patiently(ctx, func() error { return w.sender.SignUp(ctx, "an agent") }); err != nil {
		return err
	}
	if err := w.hire(ctx, w.shop, w.sender); err != nil {
		return err
	}
	heads, err := checker.Heads(ctx, w.cluster.Root)
	w.send["expect_seq"] = heads[w.room]
	return err
}

// withInquiry names the room's inquiry.
func withInquiry(ctx context.Context, w *world) error {
	var all struct{ Items []struct{ ID string } }
	if _, err := w.shop.account.Call(ctx, http.MethodGet, "/chat/rooms/"+w.room+"/inquiries", nil, &all); err != nil {
		return err
	}
	if len(all.Items) == 0 {
		return errors.New("a room without an inquiry")
	}
	w.thing = all.Items[0].ID
	w.send["inquiry_id"] = w.thing
	return nil
}

// first is a send whose answer was lost.
type first struct {
	*world

	seq   int64
	token string // with which it was sent: the sender may get no other one
}

// loseAnswer sends through a proxy that cuts the line when the answer comes, and finds what is stored.
func (w *world) loseAnswer(ctx context.Context, bySocket bool) (f *first, err error) {
	f = &first{world: w}
	if f.token, err = w.sender.Token(ctx); err != nil {
		return nil, err
	}
	door, err := proxy.Plain(ctx, w.cluster.Instances[0].Addr)
	if err != nil {
		return nil, err
	}
	defer door.Close()
	door.SetRule(func(_ *proxy.Link, to proxy.Direction, bytes []byte) (proxy.Verdict, time.Duration) {
		if to == proxy.ToClient && (!bySocket || strings.Contains(string(bytes), `"type":"ack"`)) {
			return proxy.Cut, 0
		}
		return proxy.Forward, 0
	})
	if bySocket {
		err = f.saySocket(ctx, door.Addr())
	} else {
		if a := f.post(ctx, "http://"+door.Addr()); a.Code == "" {
			err = errors.New("the answer came through")
		}
	}
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	return f, until(limited, "the send is stored", func() bool { n, seq, err := f.rows(ctx); f.seq = seq; return err == nil && n == 1 })
}

// saySocket sends, and reads until the line is cut.
func (f *first) saySocket(ctx context.Context, addr string) error {
	c, err := wire.Dial(ctx, addr, f.token, wire.Options{})
	if err != nil {
		return err
	}
	defer c.Drop()
	c.Until(time.Now().Add(f.patience))
	if _, err := c.Next(); err != nil { // welcome
		return err
	}
	for err = f.sayOn(c); err == nil; {
		var text []byte
		if text, err = c.Next(); strings.Contains(string(text), `"type":"error"`) {
			return fmt.Errorf("a first send was answered %s", text)
		}
	}
	return nil
}

func (f *first) sayOn(c *wire.Conn) error {
	fields := maps.Clone(f.send)
	fields["type"], fields["id"] = "send", "again"
	return c.Say(fields)
}

// rows counts those of the send's key.
func (f *first) rows(ctx context.Context) (n int, seq int64, err error) {
	err = f.cluster.Root.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(MIN(seq), 0) FROM chat_messages WHERE room_id = UNHEX(?) AND client_msg_id = UNHEX(?)",
		strings.ReplaceAll(f.room, "-", ""), strings.ReplaceAll(f.send["client_msg_id"].(string), "-", "")).Scan(&n, &seq)
	return n, seq, err
}

// retry repeats the send on the other instances, by socket and by REST.
func (f *first) retry(ctx context.Context, c change) (r checker.Retried, err error) {
	r = checker.Retried{What: c.what, Room: f.room, Key: f.send["client_msg_id"].(string), Seq: f.seq, Refused: c.refused}
	for n, i := range f.cluster.Instances[1:] {
		by := f.post(ctx, "http://"+i.Addr)
		by.How = "by REST on " + i.Name
		over := f.again(ctx, f.cluster.Instances[1+(n+1)%(instances-1)].Addr)
		over.How = "by socket"
		r.Answers = append(r.Answers, by, over)
	}
	r.Rows, _, err = f.rows(ctx)
	return r, err
}

// post is a try by REST, with the token of the first one; while the mall is busy it is repeated.
func (f *first) post(ctx context.Context, base string) (a checker.Answer) {
	body := maps.Clone(f.send)
	delete(body, "room_id")
	err := patiently(ctx, func() error {
		var ack struct {
			Seq int64
			Dup bool
		}
		_, err := client.CallWith(ctx, http.MethodPost, base+"/api/v1/chat/rooms/"+f.room+"/messages", f.token, body, &ack)
		a.Seq, a.Dup = ack.Seq, ack.Dup
		return err
	})
	if err != nil {
		a.Code = err.Error()
	}
	return a
}

// again is a try by socket on an instance.
func (f *first) again(ctx context.Context, addr string) (a checker.Answer) {
	c, err := wire.Dial(ctx, addr, f.token, wire.Options{})
	if err == nil {
		defer c.Drop()
		c.Until(time.Now().Add(f.patience))
		err = f.sayOn(c)
	}
	for err == nil {
		var text []byte
		var h heard
		if text, err = c.Next(); err == nil {
			err = json.Unmarshal(text, &h)
		}
		switch {
		case err != nil:
		case h.Type == "ack" && h.ID == "again":
			return checker.Answer{Seq: h.Seq, Dup: h.Dup}
		case h.Type == "error" && h.ID == "again" && h.Retryable:
			if err = pause(ctx, 100*time.Millisecond); err == nil {
				err = f.sayOn(c)
			}
		case h.Type == "error" && h.ID == "again":
			return checker.Answer{Code: h.Code}
		}
	}
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return checker.Answer{Code: fmt.Sprint(closed.Code)}
	}
	return checker.Answer{Code: err.Error()}
}
