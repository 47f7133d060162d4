package meter

import (
	"os"
	"testing"
	"time"
)

// The figures of /proc for this process are those that the kernel gives it directly.
func TestUsesAreTheKernels(t *testing.T) {
	for OwnCPU() < 80*time.Millisecond { // something to be seen
		_ = make([]byte, 1<<16)
	}
	me := Process{"me", os.Getpid()}
	one := Uses([]Process{me})["me"]
	if own := OwnCPU(); one.CPU < own-200*time.Millisecond || one.CPU > own+100*time.Millisecond {
		t.Errorf("CPU %v, the kernel says %v", one.CPU, own)
	}
	if one.RSSBytes < 1<<20 || OwnRSS() < 1<<20 {
		t.Errorf("memory %d", one.RSSBytes)
	}
	if two := Uses([]Process{me, me})["me"]; two.RSSBytes < one.RSSBytes*3/2 {
		t.Errorf("two of one name hold %d, one %d", two.RSSBytes, one.RSSBytes)
	}
}

func TestParseProcess(t *testing.T) {
	if p, err := ParseProcess("server=17"); err != nil || p != (Process{"server", 17}) {
		t.Errorf("%+v %v", p, err)
	}
	for _, bad := range []string{"", "server", "=1", "server=", "server=x", "server=-1"} {
		if _, err := ParseProcess(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
