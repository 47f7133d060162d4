package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/config"
)

type settings struct {
	HTTP struct {
		Addr  string        `koanf:"addr" validate:"required"`
		Limit int           `koanf:"limit" validate:"min=1,max=10"`
		Wait  time.Duration `koanf:"wait" validate:"min=1s"`
		Hosts []string      `koanf:"hosts"`
	} `koanf:"http"`
	Secret string `koanf:"secret"`
	Demo   bool   `koanf:"demo"`
}

const defaults = "http: {addr: ':8080', limit: 5, wait: 2s, hosts: []}\nsecret: ''\ndemo: false\n"

func TestLayers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mall.yaml")
	if err := os.WriteFile(file, []byte("http: {limit: 7, wait: 3s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s settings
	err := config.Load([]byte(defaults), file, []string{"MALL_HTTP__WAIT=4s", "MALL_HTTP__HOSTS=a,b", "MALL_DEMO=true", "PATH=/bin", "MALL_CONFIG=" + file}, &s)
	if err != nil {
		t.Fatal(err)
	}
	if s.HTTP.Addr != ":8080" || s.HTTP.Limit != 7 || s.HTTP.Wait != 4*time.Second || len(s.HTTP.Hosts) != 2 || !s.Demo {
		t.Errorf("got %+v", s)
	}
}

func TestMistakesNameTheKeyOnOneLine(t *testing.T) {
	for _, tc := range []struct{ env, want string }{
		{"MALL_HTTP__ADRR=:1", "unknown setting http.adrr"},
		{"MALL_NOTHING=1", "unknown setting nothing"},
		{"MALL_HTTP__LIMIT=99", "http.limit: must be at most 10"},
		{"MALL_HTTP__LIMIT=topsecret", "http.limit: its value is of the wrong type"},
		{"MALL_HTTP__ADDR=", "http.addr: must be set"},
		{"MALL_HTTP__WAIT=10ms", "http.wait: must be at least 1s"},
	} {
		var s settings
		err := config.Load([]byte(defaults), "", []string{tc.env}, &s)
		if err == nil {
			err = config.Check(&s)
		}
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", tc.env, err, tc.want)
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "topsecret")) {
			t.Errorf("%s: %q", tc.env, err)
		}
	}
	if err := config.Load([]byte(defaults), "/does/not/exist.yaml", nil, &settings{}); err == nil {
		t.Error("a missing file was accepted")
	}
}
