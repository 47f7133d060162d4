package mail

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestAMailboxKeepsTheNewestAndLogsLinks(t *testing.T) {
	var log bytes.Buffer
	b := NewMailbox(slog.New(slog.NewTextHandler(&log, nil)))
	for i := range mailboxSize + 5 {
		err := b.Send(t.Context(), Letter{To: "kim@demo.mall", Subject: fmt.Sprint(i), Text: "see\n\nhttp://127.0.0.1/x#token=" + fmt.Sprint(i) + "\n"})
		if err != nil {
			t.Fatal(err)
		}
	}
	letters := b.Letters()
	if len(letters) != mailboxSize || letters[0].Subject != "104" || letters[mailboxSize-1].Subject != "5" {
		t.Errorf("%d letters, from %s to %s", len(letters), letters[0].Subject, letters[len(letters)-1].Subject)
	}
	if text := log.String(); !strings.Contains(text, "http://127.0.0.1/x#token=104") || strings.Contains(text, "kim@") {
		t.Errorf("log: %s", text[:200])
	}
}

func TestLinks(t *testing.T) {
	got := Links("안녕 https://no.example\nhttps://mall.test/a#token=b\r\n javascript:alert(1)\n http://x/y z\nhttp://x/y\n")
	if fmt.Sprint(got) != "[https://mall.test/a#token=b http://x/y]" {
		t.Errorf("%v", got)
	}
}
