package httpserver

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// otherMethods answers for the API's addresses that no route has taken: 404, or 405 with what the address does take. Echo
// by itself says 404 for both where a group has steps of its own.
func (s *Server) otherMethods() echo.HandlerFunc {
	known := sync.OnceValue(s.methods) // all routes are there when the first request comes
	return func(c echo.Context) error {
		allowed := s.allowed(known(), echo.GetPath(c.Request()))
		if len(allowed) == 0 {
			return echo.ErrNotFound
		}
		c.Response().Header().Set(echo.HeaderAllow, strings.Join(allowed, ", "))
		if c.Request().Method == http.MethodOptions {
			return c.NoContent(http.StatusNoContent)
		}
		return echo.ErrMethodNotAllowed
	}
}

// methods are the API's, sorted, each with its paths.
func (s *Server) methods() map[string][]string {
	all := map[string][]string{}
	for _, r := range s.Echo.Routes() {
		if r.Method != echo.RouteNotFound && strings.HasPrefix(r.Path, apiPrefix+"/") {
			all[r.Method] = append(all[r.Method], r.Path)
		}
	}
	return all
}

// allowed are the methods whose route the path would have met. Echo lets a parameter at the end hold slashes, no address
// of ours does.
func (s *Server) allowed(known map[string][]string, path string) (allowed []string) {
	for method, paths := range known {
		c := s.Echo.NewContext(nil, nil)
		s.Echo.Router().Find(method, path, c)
		if slices.Contains(paths, c.Path()) && strings.Count(c.Path(), "/") == strings.Count(path, "/") {
			allowed = append(allowed, method)
		}
	}
	slices.Sort(allowed)
	return allowed
}
