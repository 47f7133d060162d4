package frame

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The samples of the contract: the hand scanner reads of each what encoding/json does.
func TestScanReadsTheContractsSamples(t *testing.T) {
	text, err := os.ReadFile("../../../../modules/chat/testdata/frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples any
	if err := json.Unmarshal(text, &samples); err != nil {
		t.Fatal(err)
	}
	n := 0
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				visit(x)
			}
		case map[string]any:
			if _, frame := v["type"].(string); frame {
				n++
				for _, indent := range []string{"", "  "} {
					compare(t, v, indent)
				}
				return
			}
			for _, x := range v {
				visit(x)
			}
		}
	}
	visit(samples)
	if n < 15 {
		t.Errorf("only %d frames found", n)
	}
}

func compare(t *testing.T, v map[string]any, indent string) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", indent)
	if err != nil {
		t.Fatal(err)
	}
	if indent == "" {
		if text, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	f, ok := Scan(text)
	if !ok {
		t.Errorf("not read: %s", text)
		return
	}
	for name, got := range map[string][]byte{"room_id": f.Room, "id": f.ID, "client_msg_id": f.Key, "code": f.Code, "epoch": f.Epoch} {
		if want, _ := v[name].(string); string(got) != want {
			t.Errorf("%s is %q, want %q, in %s", name, got, want, text)
		}
	}
	for name, got := range map[string]int64{"seq": f.Seq, "head": f.Head, "retry_after_ms": f.RetryAfterMS} {
		if want, _ := v[name].(float64); float64(got) != want {
			t.Errorf("%s is %d, want %v, in %s", name, got, want, text)
		}
	}
	if want, _ := v["dup"].(bool); f.Dup != want {
		t.Errorf("dup is %v in %s", f.Dup, text)
	}
}

func TestScanSkipsWhatMayStandInATextAndRefusesWhatIsNone(t *testing.T) {
	for _, body := range []string{`a "quoted" word`, `ends with \`, `{"seq":9,"room_id":"x"}`, `}`, "", `\\"`, strings.Repeat(`\`, 7)} {
		text, err := json.Marshal(map[string]any{"a": body, "body": []any{body, map[string]any{"seq": 4, "b": body}}, "seq": 7, "type": "message", "z": nil, "f": -1.5e3})
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := Scan(text); !ok || f.Seq != 7 || f.Kind != Message {
			t.Errorf("%s: %+v %v", text, f, ok)
		}
		for cut := range text {
			if _, ok := Scan(text[:cut]); ok {
				t.Errorf("half a frame was read: %s", text[:cut])
			}
		}
	}
	for _, text := range []string{`[]`, `{"seq"}`, `{"seq":}`, `{"seq":1,}`, `{"seq":1} x`, `{"type":4}`, `null`} {
		if f, ok := Scan([]byte(text)); ok {
			t.Errorf("%s was read as %+v", text, f)
		}
	}
}

func TestKeysSayWhoseTheyAre(t *testing.T) {
	run := NewRun()
	seen := map[string]bool{}
	for _, lane := range []uint32{0, 1, 77, MaxLanes - 1} {
		for _, n := range []uint32{0, 1, 2, 1 << 31} {
			k := Key{Lane: lane, N: n, At: int64(lane) * 1000}
			text := run.Append(nil, k)
			got, ok := run.Read(text)
			if !ok || got != k {
				t.Errorf("%+v became %s became %+v", k, text, got)
			}
			if _, ok := (run ^ 1).Read(text); ok {
				t.Errorf("another run takes %s for its own", text)
			}
			if text[14] != '8' || !strings.ContainsRune("89ab", rune(text[19])) || seen[string(text[:8])] {
				t.Errorf("%s is no scattered UUID of version 8", text)
			}
			seen[string(text[:8])] = true
		}
	}
	for _, text := range []string{"", "01a218fd-40ac-7da8-a2c3-c243399b2288", strings.Repeat("z", 36)} {
		if k, ok := run.Read([]byte(text)); ok {
			t.Errorf("%q was read as %+v", text, k)
		}
	}
}

func TestASendIsWhatTheContractAsksFor(t *testing.T) {
	run := NewRun()
	k := Key{Lane: 12, N: 345, At: 6789}
	var got struct {
		Type, ID, Body string
		RoomID         string `json:"room_id"`
		Key            string `json:"client_msg_id"`
	}
	if err := json.Unmarshal(AppendSend(nil, run, k, "r", Text), &got); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("{send 12.345 %s r %s}", Text, run.Append(nil, k)); fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	if lane, n, ok := ReadID([]byte(got.ID)); lane != 12 || n != 345 || !ok {
		t.Errorf("its id was read as %d %d %v", lane, n, ok)
	}
	for _, id := range []string{"", "1", "1.", ".1", "1.2.3", "a.b", "99999999999.1"} {
		if _, _, ok := ReadID([]byte(id)); ok {
			t.Errorf("%q is none of our ids", id)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	text := []byte(`{"type":"message","body":"` + Text + `","client_msg_id":"01a218fd-40ac-7da8-a2c3-c243399b2288","created_at":"2026-11-26T18:03:00.123456Z","inquiry_id":"01a218fd-40ac-7da8-a2c3-c243399b2288","kind":"text","room_id":"01a218fd-40ac-7da8-a2c3-c243399b2288","sender":{"party":"buyer","member_id":"01a218fd-40ac-7da8-a2c3-c243399b2288","name":"김하늘"},"seq":12345}`)
	b.ReportAllocs()
	for b.Loop() {
		if f, ok := Scan(text); !ok || f.Seq != 12345 {
			b.Fatal(f)
		}
	}
}
