package web

import (
	"strings"
	"testing"
)

func TestCacheControl(t *testing.T) {
	for name, want := range map[string]string{
		"assets/index-BxY12.js": "public, max-age=31536000, immutable",
		"index.html":            "no-cache",
		"favicon.svg":           "no-cache",
	} {
		if got := CacheControl(name); got != want {
			t.Errorf("CacheControl(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestFile(t *testing.T) {
	if _, built := FS(); !built {
		if name, ok := File("/"); ok {
			t.Errorf("File(/) = %q in a program without UI", name)
		}
		return
	}
	for path, want := range map[string]string{
		"/":                  "index.html",
		"/p/1":               "index.html",
		"/inquiries":         "index.html",
		"/sellers":           "index.html",
		"/seller":            "seller.html",
		"/seller/c/1":        "seller.html",
		"/favicon.svg":       "favicon.svg",
		"/../../etc/passwd":  "index.html",
		"/.keep":             "index.html",
		"/assets/missing.js": "",
		"/assets":            "",
	} {
		if got, _ := File(path); got != want {
			t.Errorf("File(%q) = %q, want %q", path, got, want)
		}
	}
}

// The policy must not grow holes unnoticed.
func TestContentSecurityPolicyIsStrict(t *testing.T) {
	for _, hole := range []string{"unsafe-inline", "unsafe-eval", "http:", "*"} {
		if strings.Contains(ContentSecurityPolicy, hole) {
			t.Errorf("the policy allows %s", hole)
		}
	}
}
