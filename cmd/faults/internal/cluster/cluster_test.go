package cluster

import (
	"os"
	"strings"
	"testing"
)

func TestNginxConfIsTheProjectsOwn(t *testing.T) {
	text, err := os.ReadFile("../../../../configs/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	conf, err := nginxConf(string(text), "/private", []*Program{{Addr: "a:1"}, {Addr: "b:2"}}, []string{"h:1", "h:2", "h:3"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"listen h:1;", "listen h:2;", "listen h:3;", "server a:1", "server b:2", "upstream mall0 {", "http://mall2;", " backup;", "/private/"} {
		if !strings.Contains(conf, want) {
			t.Errorf("no %q in\n%s", want, conf)
		}
	}
	for _, old := range []string{"listen 8000", "mall-1:8080", "http://mall;", "/tmp/"} {
		if strings.Contains(conf, old) {
			t.Errorf("still %q", old)
		}
	}
	if _, err := nginxConf("events {}", "", nil, nil); err == nil {
		t.Error("another shape is taken")
	}
}
