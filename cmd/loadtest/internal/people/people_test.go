package people

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

const crowd = `{"member_id":"s","kind":"staff","shop_id":"shop","access_token":"a1","refresh_token":"r1","rooms":["x","y"]}
{"member_id":"b","kind":"buyer","access_token":"a2","access_expires":1,"refresh_token":"r2","rooms":["y","z"]}
`

func load(t *testing.T) (*Cast, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "people.jsonl")
	if err := os.WriteFile(file, []byte(crowd), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c, file
}

func TestRoomsAreThoseOfBothSides(t *testing.T) {
	c, _ := load(t)
	if len(c.People) != 2 || len(c.Rooms) != 1 || c.Rooms[0].ID != "y" || c.Rooms[0].Buyer.MemberID != "b" || c.Rooms[0].Staff.ShopID != "shop" {
		t.Errorf("%+v", c)
	}
}

// An old token is replaced once, by a refresh token that is used once, and the file then has the next.
func TestAnOldTokenIsRenewedAndKept(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		var in map[string]string
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/api/v1/auth/refresh" || in["refresh_token"] != "r2" {
			t.Errorf("%s %v %v", r.URL, in, err)
		}
		_, _ = w.Write([]byte(`{"access_token":"a3","expires_in":3600,"refresh_token":"r3"}`))
	}))
	defer server.Close()
	c, file := load(t)
	api := NewAPI(server.URL, 2)
	for range 2 {
		token, ends, err := api.Token(t.Context(), c.People[1])
		if err != nil || token != "a3" || time.Until(ends) < 50*time.Minute {
			t.Errorf("%q until %v, %v", token, ends, err)
		}
	}
	if token, ends, err := api.Token(t.Context(), c.People[0]); token != "a1" || !ends.IsZero() || err != nil {
		t.Errorf("a token of unknown age: %q %v %v", token, ends, err)
	}
	if calls.Load() != 1 {
		t.Errorf("%d refreshes", calls.Load())
	}
	if err := c.Save(file); err != nil {
		t.Fatal(err)
	}
	again, err := Load(file)
	if err != nil || again.People[1].Refresh != "r3" || again.People[1].Access != "a3" || len(again.Rooms) != 1 {
		t.Errorf("%+v %v", again, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its rights: %v %v", info.Mode(), err)
	}
}

func TestReaderKeepsItsConnection(t *testing.T) {
	connections := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		for range 100 { // longer than one packet, in chunks
			_, _ = w.Write(make([]byte, 100))
		}
	}))
	defer server.Close()
	r := NewReader(server.URL)
	defer r.Close()
	for range 5 {
		if err := r.Get(t.Context(), "/x?y=z", "token"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Get(t.Context(), "/x", "another"); err == nil || err.Error() != (&Problem{Status: 401}).Error() {
		t.Errorf("a refusal: %v", err)
	}
	if len(connections) != 1 {
		t.Errorf("%d connections", len(connections))
	}
}
