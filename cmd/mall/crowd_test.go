package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mall/modules/platform/testservers"
)

type crowdPerson struct {
	MemberID string `json:"member_id"`
	Kind     string
	ShopID   string `json:"shop_id"`
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token"`
	Rooms    []string
}

// crowd runs the program and reads what it wrote.
func crowd(t *testing.T, dir string, environ []string, args ...string) (people []crowdPerson, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	file := filepath.Join(t.TempDir(), "people.jsonl")
	cmd := command(ctx, dir, environ, append([]string{"crowd", "-out", file}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	if !strings.Contains(said.String(), "test mall only") || !strings.Contains(said.String(), "good until") {
		t.Errorf("it says %s", said.String())
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("rights of the tokens: %v %v", info.Mode(), err)
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var p crowdPerson
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		people = append(people, p)
	}
	return people, nil
}

// The people of a crowd are real: their tokens, their renewals and their rooms work over HTTP, on either database.
func TestACrowdIsAtHome(t *testing.T) {
	redis := testservers.Redis(t)
	mysql := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=" + testservers.MySQL(t).DSN, "MALL_REDIS__ADDR=" + redis.Addr(),
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"}
	for name, environ := range map[string][]string{"sqlite": {"MALL_DEMO=false"}, "mysql": mysql} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			people, err := crowd(t, dir, environ, "-buyers", "7", "-shops", "3", "-rooms-per-buyer", "2", "-spread", "one-shop-with=5")
			if err != nil || len(people) != 10 {
				t.Fatal(len(people), err)
			}
			if n := len(people[0].Rooms); n != 5 {
				t.Errorf("the big shop has %d rooms, want 5", n)
			}
			p := start(t, dir, environ...)
			for _, who := range []crowdPerson{people[0], people[9]} {
				p.lives(t, who)
			}
			if err := p.end(syscall.SIGTERM); err != nil {
				t.Errorf("%v: %s", err, p.log)
			}
			if more, err := crowd(t, dir, environ, "-buyers", "1", "-shops", "1"); err != nil || len(more) != 2 {
				t.Errorf("a second crowd beside the first: %d %v", len(more), err)
			}
		})
	}
}

func (p *program) lives(t *testing.T, who crowdPerson) {
	t.Helper()
	var renewed struct {
		Access string `json:"access_token"`
	}
	if status := p.call("POST", "/api/v1/auth/refresh", "", map[string]string{"refresh_token": who.Refresh}, &renewed); status != 200 {
		t.Errorf("its refresh token: %d", status)
	}
	for _, token := range []string{who.Access, renewed.Access} {
		for _, id := range who.Rooms {
			var room struct{ Shop struct{ ID string } }
			if status := p.call("GET", "/api/v1/chat/rooms/"+id, token, nil, &room); status != 200 || who.ShopID != "" && room.Shop.ID != who.ShopID {
				t.Errorf("%s in room %s: %d, of shop %q", who.Kind, id, status, room.Shop.ID)
			}
		}
	}
	if len(who.Rooms) == 0 {
		t.Errorf("%s has no room", who.Kind)
	}
}

// A mall with other people in it is left alone, unless whoever runs it insists.
func TestACrowdKeepsOutOfAMallWithPeople(t *testing.T) {
	dir := t.TempDir()
	if err := start(t, dir).end(syscall.SIGTERM); err != nil { // it has its demo people now
		t.Fatal(err)
	}
	if people, err := crowd(t, dir, nil); err == nil {
		t.Errorf("%d people came in", len(people))
	}
	if people, err := crowd(t, dir, nil, "-yes", "-buyers", "2", "-shops", "1"); err != nil || len(people) != 3 {
		t.Errorf("with -yes: %d %v", len(people), err)
	}
	for _, bad := range [][]string{{"-buyers", "0"}, {"-spread", "odd"}, {"-shops", "2", "-rooms-per-buyer", "3"}, {"now"}} {
		if _, err := crowd(t, dir, nil, bad...); err == nil || !strings.Contains(err.Error(), "exit status 2") {
			t.Errorf("%v: %v, want exit status 2", bad, err)
		}
	}
}
