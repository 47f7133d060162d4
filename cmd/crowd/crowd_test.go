package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

const soon = 30 * time.Second

// The programs, built once; the tests run them as people do.
var mall, crowd string

func TestMain(m *testing.M) {
	os.Exit(testprogram.Main(m, map[string]*string{"mall/cmd/mall": &mall, "mall/cmd/crowd": &crowd}))
}

// person is a line of what the program writes.
type person struct {
	MemberID string `json:"member_id"`
	Kind     string
	ShopID   string `json:"shop_id"`
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token"`
	Rooms    []string
}

// embedded are the settings of a mall in a folder of its own.
func embedded(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{"MALL_DATA=" + t.TempDir(), "MALL_MAIL__OFF=true"}, more...)
}

// fill runs the program and reads what it wrote.
func fill(t *testing.T, settings []string, args ...string) (people []person, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	file := filepath.Join(t.TempDir(), "people.jsonl")
	c := exec.CommandContext(ctx, crowd, append([]string{"-out", file}, args...)...)
	c.Env = testservers.ProgramEnviron(settings)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil {
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
		var p person
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		people = append(people, p)
	}
	return people, nil
}

// open starts the mall.
func open(t *testing.T, settings []string) *testservers.Program {
	t.Helper()
	p, err := testservers.StartProgram(t.Context(), mall, filepath.Join(t.TempDir(), "log"), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p
}

// call sends JSON to a mall and reads its answer.
func call(t *testing.T, p *testservers.Program, method, path, token string, body, answer any) (status int) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.Addr+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode
}

// The people of a crowd are real: their tokens, their renewals and their rooms work over HTTP, on either database.
func TestACrowdIsAtHome(t *testing.T) {
	redis := testservers.Redis(t)
	mysql := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=" + testservers.MySQL(t).DSN,
		"MALL_REDIS__ADDR=" + redis.Addr(), "MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_MAIL__OFF=true"}
	for name, settings := range map[string][]string{"sqlite": embedded(t, "MALL_DEMO=false"), "mysql": mysql} {
		t.Run(name, func(t *testing.T) {
			people, err := fill(t, settings, "-buyers", "7", "-shops", "3", "-rooms-per-buyer", "2", "-spread", "one-shop-with=5")
			if err != nil || len(people) != 10 {
				t.Fatal(len(people), err)
			}
			if n := len(people[0].Rooms); n != 5 {
				t.Errorf("the big shop has %d rooms, want 5", n)
			}
			p := open(t, settings)
			for _, who := range []person{people[0], people[9]} {
				lives(t, p, who)
			}
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			if more, err := fill(t, settings, "-buyers", "1", "-shops", "1"); err != nil || len(more) != 2 {
				t.Errorf("a second crowd beside the first: %d %v", len(more), err)
			}
		})
	}
}

func lives(t *testing.T, p *testservers.Program, who person) {
	t.Helper()
	var renewed struct {
		Access string `json:"access_token"`
	}
	if status := call(t, p, "POST", "/auth/refresh", "", map[string]string{"refresh_token": who.Refresh}, &renewed); status != 200 {
		t.Errorf("its refresh token: %d", status)
	}
	for _, token := range []string{who.Access, renewed.Access} {
		for _, id := range who.Rooms {
			var room struct{ Shop struct{ ID string } }
			status := call(t, p, "GET", "/chat/rooms/"+id, token, nil, &room)
			if status != 200 || who.ShopID != "" && room.Shop.ID != who.ShopID {
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
	settings := embedded(t)
	if err := open(t, settings).Stop(); err != nil { // it has its demo people now
		t.Fatal(err)
	}
	if people, err := fill(t, settings); err == nil {
		t.Errorf("%d people came in", len(people))
	}
	if people, err := fill(t, settings, "-yes", "-buyers", "2", "-shops", "1"); err != nil || len(people) != 3 {
		t.Errorf("with -yes: %d %v", len(people), err)
	}
}

func TestMistakesOfWhoeverCallsIt(t *testing.T) {
	for _, bad := range [][]string{{"-buyers", "0"}, {"-spread", "odd"}, {"-shops", "2", "-rooms-per-buyer", "3"}, {"now"}, {"-x"}, {"-config", "none.yaml"}} {
		if _, err := fill(t, embedded(t), bad...); err == nil || !strings.Contains(err.Error(), "exit status 2") {
			t.Errorf("%v: %v, want exit status 2", bad, err)
		}
	}
}
