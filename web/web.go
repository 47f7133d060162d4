// Package web carries the built user interface: the buyer app and the seller console.
//
// The files come from `npm run build` and are embedded when the program is compiled. A program compiled
// before that still builds (dist/.keep is committed) but has no UI: see FS.
package web

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed all:dist
var dist embed.FS

const (
	// ContentSecurityPolicy belongs on every HTML answer. No inline script or style is allowed, and strings
	// become markup only through svelte-trusted-html, the policy in which Svelte keeps the static markup of
	// its compiled templates.
	ContentSecurityPolicy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
		"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types svelte-trusted-html"

	// NotBuilt is the answer (503, text/plain) to UI routes while the program carries no built UI.
	NotBuilt = "The user interface was not built into this program.\n" +
		"Run `make run`, or `npm ci && npm run build` in web/ and build the program again.\n"

	cacheForever    = "public, max-age=31536000, immutable"
	cacheRevalidate = "no-cache"
)

// FS returns the built files (index.html, seller.html, assets/…) and whether there are any: false means that
// the program was compiled before the UI was built, and UI routes should answer 503 with NotBuilt.
func FS() (fs.FS, bool) {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false
	}
	if _, err := fs.Stat(built, "index.html"); err != nil {
		return nil, false
	}
	return built, true
}

// File maps the path of a GET request to the file in FS that answers it. Both apps route in the browser, so a
// path that names no file gets the page of the app it belongs to: seller.html for /seller and all below it,
// else index.html. Missing assets get no page: ok is false and the answer is 404.
func File(urlPath string) (name string, ok bool) {
	built, have := FS()
	if !have {
		return "", false
	}
	clean := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	if info, err := fs.Stat(built, clean); err == nil && info.Mode().IsRegular() && clean != ".keep" {
		return clean, true
	}
	if clean == "assets" || strings.HasPrefix(clean, "assets/") {
		return "", false
	}
	if clean == "seller" || strings.HasPrefix(clean, "seller/") {
		return "seller.html", true
	}
	return "index.html", true
}

// CacheControl returns the Cache-Control header for a file of FS. Names under assets/ carry a hash of their
// content and never change; everything else is asked for anew, so that a deploy shows at the next load.
func CacheControl(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return cacheForever
	}
	return cacheRevalidate
}
