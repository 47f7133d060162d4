package checker

import (
	"slices"
	"testing"
	"time"

	"mall/cmd/faults/internal/record"
)

func kinds(found []Violation) (all []Kind) {
	for _, v := range found {
		all = append(all, v.Kind)
	}
	return all
}

func TestAFirstMessageMustComeByItself(t *testing.T) {
	line := func(came time.Duration) Line {
		l := Line{Client: "c", Rooms: map[string]bool{room: true}, Welcomed: noon, Got: map[string]map[int64]time.Time{room: {}}}
		if came >= 0 {
			l.Got[room][1] = noon.Add(came)
		}
		return l
	}
	told := func(after time.Duration) []Told {
		return []Told{{room, 1, noon.Add(after), noon.Add(after + time.Millisecond)}, {other, 1, noon.Add(time.Hour), noon.Add(time.Hour)}}
	}
	for name, c := range map[string]struct {
		line Line
		told []Told
		want []Kind
	}{
		"at once":                   {line(time.Second), told(time.Millisecond), nil},
		"late":                      {line(6 * time.Second), told(time.Millisecond), []Kind{Late}},
		"never":                     {line(-1), told(time.Millisecond), []Kind{Lost}},
		"stored before the welcome": {line(-1), told(-time.Millisecond), nil},
		"never welcomed":            {Line{Rooms: map[string]bool{room: true}}, told(time.Millisecond), nil},
	} {
		found, d := JudgeLines([]Line{c.line}, c.told, 5*time.Second)
		if !slices.Equal(kinds(found), c.want) {
			t.Errorf("%s: %v", name, found)
		}
		if Complete([]Line{c.line}, c.told) != !slices.Contains(c.want, Lost) {
			t.Errorf("%s: complete or not", name)
		}
		if name == "at once" && (d.Count != 1 || d.Mean() != 998*time.Millisecond || d.With(d).Count != 2) {
			t.Errorf("%+v", d)
		}
	}
}

func TestARetryFindsWhatIsStored(t *testing.T) {
	ok := Answer{Seq: 5, Dup: true}
	for name, c := range map[string]struct {
		r    Retried
		want []Kind
	}{
		"as it should be":           {Retried{Seq: 5, Rows: 1, Answers: []Answer{ok, ok}}, nil},
		"two rows":                  {Retried{Seq: 5, Rows: 2, Answers: []Answer{ok}}, []Kind{Doubled}},
		"the row is gone":           {Retried{Seq: 5, Rows: 0, Answers: []Answer{ok}}, []Kind{Doubled}},
		"another seq":               {Retried{Seq: 5, Rows: 1, Answers: []Answer{{Seq: 6, Dup: true}}}, []Kind{Doubled}},
		"as if it were the first":   {Retried{Seq: 5, Rows: 1, Answers: []Answer{{Seq: 5}}}, []Kind{Doubled}},
		"refused":                   {Retried{Seq: 5, Rows: 1, Answers: []Answer{{Code: "stale"}}}, []Kind{Other}},
		"refused without a seat":    {Retried{Seq: 5, Rows: 1, Refused: true, Answers: []Answer{{Code: "not_found"}}}, nil},
		"answered without a seat":   {Retried{Seq: 5, Rows: 1, Refused: true, Answers: []Answer{ok}}, []Kind{Foreign}},
		"stored again after a ban":  {Retried{Seq: 5, Rows: 2, Refused: true, Answers: []Answer{{Code: "4403"}}}, []Kind{Doubled}},
		"one of several is refused": {Retried{Seq: 5, Rows: 1, Answers: []Answer{ok, {Code: "too_long"}}}, []Kind{Other}},
	} {
		if found := JudgeRetry(c.r); !slices.Equal(kinds(found), c.want) {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestMoreThanTheLimitAllowsIsFound(t *testing.T) {
	var fair []Send
	for n := range 120 { // the burst at once, then the rate
		at := noon.Add(time.Duration(max(0, n-19)) * 100 * time.Millisecond)
		fair = append(fair, Send{at, at.Add(time.Millisecond)})
	}
	if found := JudgeRate("m", fair, 10, 20); len(found) > 0 {
		t.Error(found)
	}
	slow := slices.Clone(fair) // answers that all came late prove nothing
	for i := range slow {
		slow[i].Acked = noon.Add(time.Minute)
	}
	if found := JudgeRate("m", slow, 10, 20); len(found) > 0 {
		t.Error(found)
	}
	again := noon.Add(5 * time.Second)
	for range 3 {
		fair = append(fair, Send{again, again.Add(time.Millisecond)})
	}
	if found := JudgeRate("m", fair, 10, 20); len(found) != 1 || found[0].Kind != Other {
		t.Error(found)
	}
}

func TestASlowResumeIsFound(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	l := &record.Log{Client: "c"}
	for _, e := range []record.Event{
		{At: at(0), Kind: record.Resume, Conn: 1, Room: room},
		{At: at(1), Kind: record.Resumed, Conn: 1, Room: room},
		{At: at(2), Kind: record.Resume, Conn: 2, Room: room},
		{At: at(6), Kind: record.Closed, Conn: 2}, // the line ended first
		{At: at(10), Kind: record.Resume, Conn: 3, Room: room},
		{At: at(11), Kind: record.Resumed, Conn: 3, Room: other},
		{At: at(17), Kind: record.Resumed, Conn: 3, Room: room},
		{At: at(20), Kind: record.Resume, Conn: 4, Room: room},
		{At: at(30), Kind: record.Note, Conn: 4, Note: record.NotResumed},
		{At: at(40), Kind: record.Resume, Conn: 5, Room: room},
		{At: at(46), Kind: record.Closed, Conn: 5}, // but too late
	} {
		l.Add(e)
	}
	found, slowest := SlowResumes([]*record.Log{l}, Window{}, 5*time.Second)
	if !slices.Equal(kinds(found), []Kind{Late, Late, Late}) || slowest != 10*time.Second {
		t.Errorf("%v, slowest %v", found, slowest)
	}
	if found, _ := SlowResumes([]*record.Log{l}, Window{To: at(5)}, 5*time.Second); len(found) > 0 {
		t.Error(found)
	}
}

func TestSecretsAreFoundWhereTheyMustNotBe(t *testing.T) {
	secrets := []Secret{{"words", "telltale", true}, {"a token", "abc.def", false}, {"none", "", false}}
	if found := JudgeText("a log", "all is well\n", secrets); len(found) > 0 {
		t.Error(found)
	}
	if found := JudgeText("a log", "one\nlevel=INFO body=telltale\nabc.def", secrets); !slices.Equal(kinds(found), []Kind{Foreign, Foreign}) {
		t.Error(found)
	}
	for line, want := range map[string]int{
		`+1.2 [0 127.0.0.1:1] "publish" "mall:chat:b:x" "…telltale…"`: 0,
		`+1.2 [0 127.0.0.1:1] "SPUBLISH" "c" "telltale"`:              0,
		`+1.2 [0 127.0.0.1:1] "set" "mall:x" "telltale"`:              1,
		`+1.2 [0 lua] "set" "telltale" "1"`:                           1,
		`+1.2 [0 127.0.0.1:1] "publish" "c" "abc.def"`:                1,
		`+1.2 [0 127.0.0.1:1] "hset" "x" "\"publish\" abc.def"`:       1,
		`+1.2 [0 127.0.0.1:1] "get" "\"publish\" telltale"`:           1,
	} {
		if found := JudgeMonitor([]string{line}, secrets); len(found) != want {
			t.Errorf("%s: %v", line, found)
		}
	}
}
