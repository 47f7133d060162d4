package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/record"
	"mall/modules/platform/id"
)

// trespass has a buyer try every way into a room that is somebody else's: none may be told from a room that does not
// exist (P14).
func trespass(ctx context.Context, s *stage) error {
	stranger := s.cast.people[len(s.cast.people)-1]
	room := s.cast.people[0].rooms[0] // of the first shop and its first buyer
	none := id.New().String()
	for _, try := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, "", nil},
		{http.MethodGet, "/messages", nil},
		{http.MethodGet, "/inquiries", nil},
		{http.MethodPost, "/messages", map[string]string{"client_msg_id": id.New().String(), "body": "?"}},
		{http.MethodPut, "/cursor", map[string]int64{"read_seq": 1}},
	} {
		got, want := tryAs(ctx, stranger, try.method, room, try.path, try.body), tryAs(ctx, stranger, try.method, none, try.path, try.body)
		if got != want || want != "404 not_found" {
			s.violatef(checker.Foreign, "P14: %s %s of a stranger's room is answered %q, of no room %q", try.method, try.path, got, want)
		}
	}
	return s.listenIn(ctx, stranger, room)
}

func tryAs(ctx context.Context, p *person, method, room, path string, body any) string {
	status, err := p.account.Call(ctx, method, "/chat/rooms/"+room+path, body, nil)
	var refused *client.Problem
	if errors.As(err, &refused) {
		return fmt.Sprintf("%d %s", refused.Status, refused.Code)
	}
	return fmt.Sprint(status, err)
}

// listenIn connects as a stranger who resumes the room and writes into it, by socket and by event stream.
func (s *stage) listenIn(ctx context.Context, stranger *person, room string) error {
	const listen = 2 * time.Second
	for _, events := range []bool{false, true} {
		p := &person{name: stranger.name, account: stranger.account, rooms: []string{room}}
		c := s.newClient(p, 0, fmt.Sprintf("-stranger-%v", events), events)
		s.join(ctx, c)
		write(c, room, "let me in")
		limited, cancel := context.WithTimeout(ctx, s.patience)
		err := until(limited, "the stranger is answered", func() bool { return c.Unsent() == 0 })
		cancel()
		if err == nil {
			err = pause(ctx, listen)
		}
		s.leave(c)
		if err != nil {
			return err
		}
		for _, kind := range []record.Kind{record.Ack, record.Message, record.Pulled, record.Resumed, record.TooFar, record.Receipt} {
			for _, e := range checker.Within([]*record.Log{c.Log()}, checker.Window{}, kind) {
				if e.Room != room {
					continue // their own
				}
				s.violate(checker.Violation{Kind: checker.Foreign, Client: c.Name(), Room: e.Room, Seq: e.Seq, Text: fmt.Sprintf("P14: a stranger got a %s", kind)})
			}
		}
	}
	return nil
}
