package password

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Every thread of the process gives way, not only the one that asked for it.
func TestWhatHashesGivesWayToAll(t *testing.T) {
	h := byProcesses(t, "lowest")
	s := slot(t, h)
	defer s.Release()
	s.Hash("moonlight")
	if len(h.idle) != 1 {
		t.Fatal("no process has hashed")
	}
	process := <-h.idle
	h.idle <- process
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", process.cmd.Process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads: %v %v", threads, err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if has, err := unix.SchedGetAttr(id, 0); err != nil || has.Policy != unix.SCHED_IDLE {
			t.Errorf("thread %d: %+v %v", id, has, err)
		}
	}
}
