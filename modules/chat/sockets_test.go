package chat_test

import (
	"testing"
)

// A member's connections count together on all instances; the newest one too many is refused, and only that.
func TestTooManyConnectionsOverTwoInstances(t *testing.T) {
	m, _ := pair(t) // four are allowed
	until(t, "linked", func() bool { return m.instances[0].bus.Connected() && m.instances[1].bus.Connected() })
	var all []*client
	for i := range 4 {
		all = append(all, m.connect(t, i%2, "buyer"))
	}
	for on := range 2 {
		ws, res, err := m.dial(on, []string{"mall.chat.v1", "bearer." + m.token(t, "buyer")}, nil)
		check(t, err)
		_ = res.Body.Close()
		if code := (&client{t: t, ws: ws}).closed(); code != 4409 {
			t.Errorf("the fifth, on instance %d, was closed with %d, want 4409", on, code)
		}
		check(t, ws.Close())
	}
	for _, c := range all {
		c.answers()
	}
	m.connect(t, 0, "owner").answers()
	check(t, all[0].ws.Close())
	until(t, "a place is free on the other instance", func() bool {
		ws, res, err := m.dial(1, []string{"mall.chat.v1", "bearer." + m.token(t, "buyer")}, nil)
		check(t, err)
		_ = res.Body.Close()
		defer ws.Close()
		var f frame
		return ws.ReadJSON(&f) == nil && f.Type == "welcome"
	})
}
