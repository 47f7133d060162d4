package main

import (
	"strings"
	"testing"
)

func TestTheRaceDetectorsReportsAreFound(t *testing.T) {
	const before = "WARNING: DATA RACE of another fault\n"
	log := before + `time=1 msg=hello
==================
WARNING: DATA RACE
Read at 0x00c000123 by goroutine 9:
  mall/modules/chat.(*session).Push()
      /tree/modules/chat/session.go:10 +0x44

Previous write at 0x00c000123 by goroutine 8:
==================
time=2 msg=bye
`
	found, err := races(strings.NewReader(log), int64(len(before)))
	if err != nil || len(found) != 1 || !strings.Contains(found[0], "session.go:10") {
		t.Errorf("%q, %v", found, err)
	}
	if found, err := races(strings.NewReader("all is well\n"), 0); err != nil || len(found) != 0 {
		t.Errorf("%q, %v", found, err)
	}
}
