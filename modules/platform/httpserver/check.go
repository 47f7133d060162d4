package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

const apiPrefix = "/api/v1"

// requestCheck holds each route's operation, found by the route that Echo has already matched.
type requestCheck struct {
	routes map[string]*routers.Route // "GET /api/v1/products/:product_id"
}

func newRequestCheck(spec []byte) (*requestCheck, error) {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(func(s string) error {
		_, err := id.Parse(s)
		return err
	}))
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, fmt.Errorf("API description: %w", err)
	}
	// The parts keep to what 3.0 and 3.1 share; the 3.0 checker names the field at fault, the 3.1 one
	// answers with prose of its own.
	doc.OpenAPI = "3.0.3"
	rc := &requestCheck{routes: map[string]*routers.Route{}}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			rc.routes[method+" "+apiPrefix+echoPath(path)] = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}
		}
	}
	return rc, nil
}

// echoPath turns /products/{product_id} into /products/:product_id.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// middleware refuses what the description does not allow, with the field at fault, before a handler runs.
func (rc *requestCheck) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		route, ok := rc.routes[c.Request().Method+" "+c.Path()]
		if !ok {
			return next(c)
		}
		in := &openapi3filter.RequestValidationInput{
			Request: c.Request(), PathParams: pathParams(c), Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
		}
		if err := openapi3filter.ValidateRequest(c.Request().Context(), in); err != nil {
			return refusal(err)
		}
		return next(c)
	}
}

func pathParams(c echo.Context) map[string]string {
	m := make(map[string]string, len(c.ParamNames()))
	for i, name := range c.ParamNames() {
		m[name] = c.ParamValues()[i]
	}
	return m
}

// refusal says which field is wrong and why, without showing the value back.
func refusal(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge(large.Limit)
	}
	field, reason := "", "The request is malformed."
	var re *openapi3filter.RequestError
	if errors.As(err, &re) {
		switch {
		case re.Parameter != nil:
			field = re.Parameter.Name
		case re.RequestBody != nil:
			field = "body"
		}
		if re.Reason != "" {
			reason = sentence(re.Reason)
		}
	}
	var se *openapi3.SchemaError
	if errors.As(err, &se) {
		if p := strings.Join(se.JSONPointer(), "."); p != "" {
			field = p
		}
		reason = sentence(se.Reason)
	}
	return fault.Invalidf(field, "bad_request", "%s", reason)
}

func sentence(s string) string {
	if s == "" {
		return "The request is malformed."
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
