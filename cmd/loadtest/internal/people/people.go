// Package people is who takes part in a load run: from a file that cmd/crowd wrote, or signed up through the API.
package people

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Person is one line of the file. The tokens are guarded by mu once a run is under way.
type Person struct {
	MemberID string   `json:"member_id"`
	Kind     string   `json:"kind"` // buyer, staff
	ShopID   string   `json:"shop_id,omitempty"`
	Access   string   `json:"access_token"`
	Expires  int64    `json:"access_expires,omitempty"` // Unix seconds; 0: not known
	Refresh  string   `json:"refresh_token,omitempty"`
	Rooms    []string `json:"rooms"`

	mu sync.Mutex
}

// Room is where a buyer and a shop's member of staff talk.
type Room struct {
	ID           string
	Buyer, Staff *Person
}

// Cast is all people and rooms of a run.
type Cast struct {
	People []*Person
	Rooms  []Room
}

// Load reads the file.
func Load(file string) (*Cast, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var all []*Person
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20) // a shop with 10,000 rooms is one line
	for lines.Scan() {
		p := &Person{}
		if err := json.Unmarshal(lines.Bytes(), p); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", file, len(all)+1, err)
		}
		all = append(all, p)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return newCast(all), nil
}

// newCast finds the rooms that have both sides, in the order of the buyers.
func newCast(all []*Person) *Cast {
	c := &Cast{People: all}
	staff := map[string]*Person{}
	for _, p := range all {
		if p.Kind != "staff" {
			continue
		}
		for _, r := range p.Rooms {
			staff[r] = p
		}
	}
	for _, p := range all {
		if p.Kind != "buyer" {
			continue
		}
		for _, r := range p.Rooms {
			if s := staff[r]; s != nil {
				c.Rooms = append(c.Rooms, Room{r, p, s})
			}
		}
	}
	return c
}

// Save writes the people back: a refresh token that has been used must not be used again.
func (c *Cast) Save(file string) (err error) {
	f, err := os.OpenFile(file+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	lines := json.NewEncoder(w)
	for _, p := range c.People {
		p.mu.Lock()
		err = errors.Join(err, lines.Encode(p)) //nolint:gosec // G117: the tokens are what the file is for
		p.mu.Unlock()
	}
	if err := errors.Join(err, w.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// expiry is the end of the access token.
func (p *Person) expiry() time.Time { return time.Unix(p.Expires, 0) }

// Strangers are people whom only the bare relay lets in, a pair for each room.
func Strangers(rooms int) *Cast {
	var all []*Person
	for n := range rooms {
		id := fmt.Sprintf("00000000-0000-8000-8000-%012d", n)
		all = append(all, &Person{MemberID: id, Kind: "buyer", Rooms: []string{id}}, &Person{MemberID: id, Kind: "staff", Rooms: []string{id}})
	}
	return newCast(all)
}
