package member

import (
	"strings"
	"testing"
	"time"
)

func TestCheckSecret(t *testing.T) {
	for name, tc := range map[string]struct {
		secret string
		fine   bool
	}{
		"random":             {secret, true},
		"hex":                {"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", true},
		"empty":              {"", false},
		"31 bytes":           {secret[:31], false},
		"one letter":         {strings.Repeat("a", 64), false},
		"a word repeated":    {strings.Repeat("kP3v9LxQ2mZr", 4), false},
		"few letters":        {"aabbccaabbccaabcabcabcaabbccbbaac", false},
		"changeme":           {"ChangeMe-kP3v9LxQ2mZr8TnW5yBc7HdJ4s", false},
		"jwt.io":             {"your-256-bit-secret-kP3v9LxQ2mZr8T", false},
		"a line of keys":     {"1234567890abcdefghijklmnopqrstuvwxyz", false},
		"digits of the desk": {"qwertyuiopasdfghjklzxcvbnm1029384756", false},
	} {
		err := CheckSecret(tc.secret)
		if (err == nil) != tc.fine {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && tc.secret != "" && strings.Contains(err.Error(), tc.secret) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestConfigCheckNamesTheKey(t *testing.T) {
	if err := config().Check(); err != nil {
		t.Fatal(err)
	}
	for key, spoil := range map[string]func(*Config){
		"member.token_secret": func(c *Config) { c.TokenSecret = "short" },
		"member.refresh_idle": func(c *Config) { c.RefreshIdle = c.SessionMax + time.Second },
		"member.web_idle":     func(c *Config) { c.WebIdle = c.SessionMax + time.Second },
		"no name":             func(c *Config) { c.Cookie.Name = "" },
		"__Host-mall_session": func(c *Config) { c.Cookie.Name = "__Host-mall_session" },
	} {
		c := config()
		spoil(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	c := config()
	c.Cookie = Cookie{Name: "__Host-mall_session", Secure: true}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
